"""`bloodstudy predict`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import DataError
from study.cli import options
from study.cli.arguments import place_of
from study.cli.options import Split, Trial


def predict(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    images: Annotated[
        list[Path],
        typer.Argument(help="Image files, folders of them, npz files in the MedMNIST format."),
    ],
    *,
    results: options.Results = "results",
    trial: Trial = None,
    crop: Annotated[
        int | None,
        typer.Option(
            min=28,
            show_default="the largest",
            help="Side of the centred square to cut out, in pixels; of the PBC photographs, 200.",
        ),
    ] = None,
    split: Annotated[Split, typer.Option(help="Of npz files.")] = Split.TEST,
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
    from study.inference.model_selection import choose
    from study.inference.predict import pictures
    from study.inference.predict import predict as look_at

    ledger = Ledger(place_of(results, study))
    chosen = choose(ledger, trial)
    for problem in chosen.problems:
        _left_out(problem)
    faults: list[str] = []

    def fault(line: str) -> None:
        faults.append(line)
        _left_out(line)

    shown = pictures(images, split=split.value, crop=crop, left_out=fault)
    found = list(look_at(chosen, ledger.study.data.colours, shown))
    if not found:
        raise DataError("no image could be used")
    if json or csv:
        text = prediction_output.as_json if json else prediction_output.as_csv
        typer.echo(text(found, ledger.study, chosen))
    else:
        console = Console(highlight=False)
        console.print(*prediction_output.head(ledger.study, chosen), sep="\n", markup=False)
        console.print(prediction_output.table(found, ledger.study, width=console.width))
        console.print(*prediction_output.foot(found, ledger.study), sep="\n", markup=False)
    if faults or chosen.problems:
        raise typer.Exit(1)


def _left_out(line: str) -> None:
    from study.inference.prediction_output import printable

    typer.echo(f"bloodstudy: left out: {printable(line)}", err=True)
