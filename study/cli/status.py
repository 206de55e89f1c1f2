"""`bloodstudy status`."""

import typer

from study.cli import options
from study.cli.arguments import open_ledger


def status(
    study: options.StudyArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
) -> None:
    """Show which trials are complete, failed or pending, and the command to resume."""
    from study.lifecycle.status import format_status_lines

    for line in format_status_lines(open_ledger(storage, study)):
        typer.echo(line)
