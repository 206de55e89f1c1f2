"""The commands that use a model of a study: on other images, and for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import DataError, MachineError
from study import options
from study.interrupts import tidily
from study.options import Split
from study.reading import place_of

EXPORT = ("onnx", "onnxruntime", "onnxscript")
"""What the extra `export` brings."""

Trial = Annotated[
    str | None,
    typer.Option(show_default="the best, by val", help="Its name, as in the report."),
]


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
    from study import answers
    from study.chosen import choose
    from study.predict import pictures
    from study.predict import predict as look_at

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
        text = answers.as_json if json else answers.as_csv
        typer.echo(text(found, ledger.study, chosen))
    else:
        console = Console(highlight=False)
        console.print(*answers.head(ledger.study, chosen), sep="\n", markup=False)
        console.print(answers.table(found, ledger.study, width=console.width))
        console.print(*answers.foot(found, ledger.study), sep="\n", markup=False)
    if faults or chosen.problems:
        raise typer.Exit(1)


def _left_out(line: str) -> None:
    from study.answers import printable

    typer.echo(f"bloodstudy: left out: {printable(line)}", err=True)


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
        from study import export as exporting
    except ModuleNotFoundError as error:
        if error.name not in EXPORT:
            raise
        raise MachineError(
            f"{error.name} is not installed, which export needs; install bloodstudy's extra "
            f"“export”: pip install '.[export]' --constraint constraints.txt"
        ) from error
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.chosen import choose
    from study.images import find_images

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
