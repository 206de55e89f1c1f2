"""`bloodstudy status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from study.cli import options

if TYPE_CHECKING:
    pass
from study.cli.arguments import place_of


def status(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.Results = "results",
) -> None:
    """Say what of a study is done, failed and left, and how to go on with it."""
    from reports.ledger.ledger import Ledger
    from study.lifecycle.status import lines

    for line in lines(Ledger(place_of(results, study))):
        typer.echo(line)
