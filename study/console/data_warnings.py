"""Print what is wrong with the data of a study before it starts."""

from rich.console import Console

from reports.format.data_warnings import list_data_warnings
from reports.ledger.data_record import DataRecord


def print_data_warnings(data: DataRecord, *, quiet: bool) -> None:
    """Print a line to standard error for each absent class and for harmful identical images.

    Args:
        data: Record of the data.
        quiet: Whether to print nothing.
    """
    console = Console(stderr=True, quiet=quiet, highlight=False)
    for text in list_data_warnings(data):
        console.print(f"bloodstudy: warning: {text}", markup=False, soft_wrap=True)
