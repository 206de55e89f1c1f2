"""The options that `grid` and `search` share, and what they are read into."""

import re
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import ConflictError, DataError

if TYPE_CHECKING:
    from bloodnets.data import BloodCells


class Data(StrEnum):
    """Which images to train on."""

    BLOODMNIST = "bloodmnist"
    RENDERED = "rendered"


BatchSize = Annotated[int, typer.Option(min=1, help="Images a step.")]
DataKind = Annotated[
    Data, typer.Option("--data", help="rendered: drawn stand-in cells, no download.")
]
DataFile = Annotated[
    Path | None, typer.Option(help="A file in the MedMNIST format, instead of the download.")
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        show_default="~/.medmnist", help="Folder of bloodmnist.npz, also of the download."
    ),
]
Results = Annotated[Path, typer.Option(help="Folder that holds the studies' folders.")]
CpusPerTrial = Annotated[int, typer.Option(min=1, help="Cores a trial.")]
GpusPerTrial = Annotated[
    float | None,
    typer.Option(show_default=".25 if there is one, else 0", help="GPUs a trial, also a fraction."),
]
MaxConcurrent = Annotated[
    int | None, typer.Option(min=1, show_default="as many as fit", help="Trials at once.")
]
Address = Annotated[
    str | None, typer.Option(show_default="Ray on this machine", help="Of a Ray cluster.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the report's path alone.")]


def refuse_existing(folder: Path) -> None:
    """Refuse the name of a study that there is.

    Raises:
        ConflictError: there is one.
    """
    if folder.exists():
        raise ConflictError(f"{folder} exists already; choose another --name")


def load(data: Data, file: Path | None, root: Path | None) -> "BloodCells":
    """The data that the options name; BloodMNIST is downloaded if it is not there.

    Raises:
        DataError: the options contradict each other, or the file is not what is needed.
        MachineError: it cannot be downloaded.
    """
    if data is Data.RENDERED and (file or root):
        raise DataError("--data rendered takes neither --data-file nor --data-root")
    from bloodnets.data import load_file, load_rendered
    from bloodnets.download import official_file

    if data is Data.RENDERED:
        return load_rendered()
    return load_file(official_file(root) if file is None else file)


def one_of(option: str, value: str, allowed: Collection[str]) -> str:
    """The value, if it is one of those allowed.

    Raises:
        DataError: it is not.
    """
    if value not in allowed:
        raise DataError(f"{option} is {value!r}; wanted: {' or '.join(allowed)}")
    return value


def seconds(option: str, text: str) -> float:
    """`90s`, `30m`, `2h` or `1h30m` in seconds.

    Raises:
        DataError: it is none of these, or 0.
    """
    parts = re.fullmatch(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", text)
    hours, minutes, rest = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + rest
    if not total > 0:
        raise DataError(f"{option} is {text!r}; wanted: a time above 0, as 90s, 30m or 1h30m")
    return float(total)
