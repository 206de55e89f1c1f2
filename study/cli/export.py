"""`bloodstudy export`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import MachineError
from study.cli import options
from study.cli.arguments import place_of
from study.cli.options import Trial
from study.cli.predict import _left_out
from study.runtime.signals import tidily

EXPORT = ("onnx", "onnxruntime", "onnxscript")
"""What the extra `export` brings."""


def export(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.Results = "results",
    trial: Trial = None,
    output: Annotated[
        Path | None,
        typer.Option(show_default="STUDY-TRIAL, here", help="Folder to make."),
    ] = None,
    data_file: Annotated[
        Path | None,
        typer.Option(
            show_default="where the study had it",
            help="The study's data, on whose test images the exported model is tried.",
        ),
    ] = None,
) -> None:
    """Write a study's best model as ONNX, with a card, after checking that it says the same."""
    try:
        from study.inference import onnx_export as exporting
    except ModuleNotFoundError as error:
        if error.name not in EXPORT:
            raise
        raise MachineError(
            f"{error.name} is not installed, which export needs; install bloodstudy's extra "
            f"“export”: pip install '.[export]' --constraint constraints.txt"
        ) from error
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.datasets.lookup import find_images
    from study.inference.model_selection import choose

    ledger = Ledger(place_of(results, study))
    images = find_images(ledger.study, data_file)
    chosen = choose(ledger, trial)
    for problem in chosen.problems:
        _left_out(problem)
    folder = output or Path(f"{ledger.name}-{chosen.name}")
    exporting.refuse(folder)
    with tidily(), Console(stderr=True).status(f"{chosen.name}: exported, and tried"):
        agreement = exporting.export(ledger, chosen, images, folder)
    typer.echo(f"{chosen.name} of {ledger.study.name}: {chosen.reason}.")
    typer.echo(agreement)
    typer.echo(folder)
    if chosen.problems:
        raise typer.Exit(1)
