"""`bloodstudy predict`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import DataError
from study.cli import options
from study.cli.arguments import resolve_study_location
from study.cli.options import SplitChoice, TrialOption


def predict(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    images: Annotated[
        list[Path],
        typer.Argument(help="Image files, folders of them, npz files in the MedMNIST format."),
    ],
    *,
    storage: options.StorageOption = "results",
    trial: TrialOption = None,
    crop: Annotated[
        int | None,
        typer.Option(
            min=28,
            show_default="the largest",
            help="Side of the centred square to cut out, in pixels; of the PBC photographs, 200.",
        ),
    ] = None,
    split: Annotated[SplitChoice, typer.Option(help="Of npz files.")] = SplitChoice.TEST,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with all probabilities.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with all probabilities.")] = False,
) -> None:
    """Have a study's best model say of images which class they are. No diagnosis."""
    if json and csv:
        raise DataError("--json and --csv exclude each other; choose one")
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.inference import prediction_output
    from study.inference.model_selection import select_model
    from study.inference.predict import classify_images, read_input_images

    ledger = Ledger(resolve_study_location(storage, study))
    selected = select_model(ledger, trial)
    for problem in selected.problems:
        _print_skipped(problem)
    skipped: list[str] = []

    def record_skip(line: str) -> None:
        skipped.append(line)
        _print_skipped(line)

    input_images = read_input_images(images, split=split.value, crop=crop, on_skip=record_skip)
    predictions = list(classify_images(selected, ledger.study.data.color_stats, input_images))
    if not predictions:
        raise DataError("no image could be used")
    if json or csv:
        format_predictions = prediction_output.format_json if json else prediction_output.format_csv
        typer.echo(format_predictions(predictions, ledger.study, selected))
    else:
        console = Console(highlight=False)
        console.print(
            *prediction_output.format_header_lines(ledger.study, selected), sep="\n", markup=False
        )
        console.print(
            prediction_output.make_prediction_table(predictions, ledger.study, width=console.width)
        )
        console.print(*prediction_output.format_footer_lines(predictions), sep="\n", markup=False)
    if skipped or selected.problems:
        raise typer.Exit(1)


def _print_skipped(line: str) -> None:
    from study.inference.prediction_output import make_printable

    typer.echo(f"bloodstudy: left out: {make_printable(line)}", err=True)
