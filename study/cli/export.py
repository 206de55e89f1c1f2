"""`bloodstudy export`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import ResourceError
from study.cli import options
from study.cli.arguments import open_ledger
from study.cli.notices import print_skipped
from study.runtime.signals import raise_interrupts

EXPORT_PACKAGES = ("onnx", "onnxscript")
"""Import names of the packages in the extra `export`."""


def export(
    study: options.StudyArgument,
    *,
    data_file: options.StudyDataFileOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    trial: options.TrialOption = None,
    vote: options.VoteOption = None,
    orientations: options.OrientationsOption = False,
    output: Annotated[
        Path | None,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            show_default="STUDY-TRIAL or STUDY-CONFIGURATION-vote in the current folder",
            help="New folder for the model and its model card.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = None,
) -> None:
    """Export a study's best model to ONNX with a model card.

    The model is written only if its predictions with ONNX Runtime match those of
    PyTorch.

    Examples:
      bloodstudy export STUDY
      bloodstudy export STUDY --trial trial-17 --output model
      bloodstudy export STUDY --vote cnn-config-1
    """
    _require_export_packages()
    ledger = open_ledger(storage, study)
    from study.inference.export_folder import require_new_folder
    from study.inference.vote_selection import check_selection, select

    if output is not None:
        require_new_folder(output)
    check_selection(ledger, trial, vote)
    from study.datasets.lookup import find_test_images

    images = find_test_images(ledger.study, data_file)
    selected = select(ledger, trial, vote, orientations=orientations)
    for problem in selected.problems:
        print_skipped(problem)
    folder = output or Path(f"{ledger.name}-{selected.name}")
    require_new_folder(folder)
    from rich.console import Console

    from study.inference.onnx_export import export_onnx

    with (
        raise_interrupts(),
        Console(stderr=True).status(f"{selected.name}: exporting and checking the model …"),
    ):
        export_check = export_onnx(ledger, selected, images, folder)
    typer.echo(f"{selected.name} of {ledger.study.name}: {selected.reason}.")
    typer.echo(export_check)
    typer.echo(folder)
    if selected.problems:
        raise typer.Exit(1)


def _require_export_packages() -> None:
    missing = [name for name in EXPORT_PACKAGES if find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"{missing[0]} is not installed, which export requires",
            remedy="install the extra 'export': pip install '.[export]' --constraint "
            "constraints.txt",
        )
