"""`bloodstudy replay`."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli import options
from study.cli.arguments import resolve_study_location


def replay(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    trial: Annotated[str, typer.Argument(help="Its name, as in the report: trial-17.")],
    *,
    storage: options.StorageOption = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
) -> None:
    """Train one trial of a study again, and say how far it comes out otherwise."""
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.datasets.lookup import load_study_data
    from study.inference.replay import format_replay_lines, replay_trial

    ledger = Ledger(resolve_study_location(storage, study))
    cells = load_study_data(ledger.study, data_file)
    with Console(stderr=True).status(f"{trial}: the first epoch") as status:
        replay_result = replay_trial(ledger, trial, cells, on_epoch=status.update)
    for line in format_replay_lines(replay_result):
        typer.echo(line)
