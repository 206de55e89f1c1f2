"""`bloodstudy status`."""

from typing import Annotated

import typer

from study.cli import options
from study.cli.arguments import resolve_study_location


def status(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    storage: options.StorageOption = "results",
) -> None:
    """Say what of a study is done, failed and left, and how to go on with it."""
    from reports.ledger.ledger import Ledger
    from study.lifecycle.status import format_status_lines

    for line in format_status_lines(Ledger(resolve_study_location(storage, study))):
        typer.echo(line)
