"""`bloodstudy export`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import ResourceError
from study.cli import options
from study.cli.arguments import resolve_study_location
from study.cli.options import TrialOption
from study.cli.predict import _print_skipped
from study.runtime.signals import enable_keyboard_interrupt

EXPORT_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
"""What the extra `export` brings."""


def export(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    storage: options.StorageOption = "results",
    trial: TrialOption = None,
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
        from study.inference import onnx_export
    except ModuleNotFoundError as error:
        if error.name not in EXPORT_PACKAGES:
            raise
        raise ResourceError(
            f"{error.name} is not installed, which export needs; install bloodstudy's extra "
            f"“export”: pip install '.[export]' --constraint constraints.txt"
        ) from error
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.datasets.lookup import find_test_images
    from study.inference.model_selection import select_model

    ledger = Ledger(resolve_study_location(storage, study))
    images = find_test_images(ledger.study, data_file)
    selected = select_model(ledger, trial)
    for problem in selected.problems:
        _print_skipped(problem)
    folder = output or Path(f"{ledger.name}-{selected.trial_name}")
    onnx_export.require_new_folder(folder)
    with (
        enable_keyboard_interrupt(),
        Console(stderr=True).status(f"{selected.trial_name}: exported, and tried"),
    ):
        export_check = onnx_export.export_onnx(ledger, selected, images, folder)
    typer.echo(f"{selected.trial_name} of {ledger.study.name}: {selected.reason}.")
    typer.echo(export_check)
    typer.echo(folder)
    if selected.problems:
        raise typer.Exit(1)
