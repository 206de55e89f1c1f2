"""`bloodstudy replay`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli import options

if TYPE_CHECKING:
    pass
from study.cli.arguments import place_of


def replay(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    trial: Annotated[str, typer.Argument(help="Its name, as in the report: trial-17.")],
    *,
    results: options.Results = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
) -> None:
    """Train one trial of a study again, and say how far it comes out otherwise."""
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.datasets.lookup import find_cells
    from study.inference.replay import lines
    from study.inference.replay import replay as train_again

    ledger = Ledger(place_of(results, study))
    cells = find_cells(ledger.study, data_file)
    with Console(stderr=True).status(f"{trial}: the first epoch") as status:
        found = train_again(ledger, trial, cells, on_epoch=status.update)
    for line in lines(found):
        typer.echo(line)
