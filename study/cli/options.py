"""Options and arguments that several commands share, and the panels of the help."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from bloodnets.data_shape import MIN_SIDE
from bloodnets.errors import DataError
from study.cli.completion import complete_data_names, complete_study_names
from study.cli.data_source import require_data_source
from study.runtime.environment import RAY_ADDRESS

DATA_PANEL = "Data"
OUTPUT_PANEL = "Output"
RESOURCES_PANEL = "Resources"
SEARCH_PANEL = "Search"
STUDY_PANEL = "Study"
TRAINING_PANEL = "Model and training"

DEFAULT_STORAGE = "results"

Device = Literal["auto", "cpu", "cuda"]
Split = Literal["train", "val", "test"]

ADDRESS_DEFAULT = "RAY_ADDRESS if set, else local"

_ADDRESS_PATTERN = re.compile(r"auto|local|(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")


def require_text(
    parameter: typer.CallbackParam, value: str | list[str] | None
) -> str | list[str] | None:
    """Return the value of an option or argument, which may be missing but not empty.

    A shell replaces an unset variable with an empty text, which would mean the current folder.

    Raises:
        DataError: A text is empty.
    """
    for text in [value] if isinstance(value, str) else value or ():
        if not text.strip():
            name = max(parameter.opts, key=len)
            name = name if name.startswith("-") else str(parameter.metavar)
            raise DataError(
                f"{name} is empty", value=text, expected="a name, a folder or an address"
            )
    return value


def expand_location(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Return the folder or address of an option, with the home folder in place of `~`.

    A shell expands `--storage ~/out`, but not `--storage=~/out`.

    Raises:
        DataError: The text is empty.
    """
    require_text(parameter, value)
    return value if value is None else os.path.expanduser(value)


def resolve_address(parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Return the address of a Ray cluster: the option, else `RAY_ADDRESS`, else None.

    This is Ray's own order. `ray job submit` sets the variable, and like Ray, `auto` prefers it.

    Returns:
        `host:port`, `auto`, `local` for Ray on this host, or None if neither gives an address.

    Raises:
        DataError: The text is not an address that a study can use.
    """
    source = max(parameter.opts, key=len)
    remedy = None
    if value in {None, "auto"} and (variable := os.environ.get(RAY_ADDRESS)):
        source, value, remedy = RAY_ADDRESS, variable, f"unset {RAY_ADDRESS} or pass --address"
    if value is None:
        return None
    match = _ADDRESS_PATTERN.fullmatch(value)
    if match is None or int(match[2] or 1) not in range(1, 2**16):
        if value.startswith("ray://"):  # Ray Client, which lacks what the study needs of a driver
            remedy = "run the command on a node of the cluster, or with 'ray job submit'"
        raise DataError.of_value(source, value, "host:port, auto or local", remedy=remedy)
    return value


def parse_duration_s(text: str) -> float:
    """Return the seconds of a time such as `90s`, `30m` or `1h30m`, in any format of pandas.

    Raises:
        DataError: The text is not a time, has no unit, or is not above 0.
    """
    from pandas import Timedelta

    has_unit = any(character.isalpha() for character in text)
    try:
        duration_s = Timedelta(text).total_seconds() if has_unit else float("nan")
    except ValueError:
        duration_s = float("nan")
    if not duration_s > 0:
        raise DataError.of_value("time", text, "a time above 0 with a unit, e.g. 90s, 30m or 1h30m")
    return duration_s


def parse_path(text: str) -> Path:
    """Return the text as a path with `~` expanded, unless it is empty (see `require_text`).

    Raises:
        DataError: The text is empty.
    """
    if not text.strip():
        raise DataError("the path is empty", value=text, expected="a path")
    return Path(os.path.expanduser(text))


StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        callback=require_text,
        help="Name of a study in --storage, or path to its folder.",
        autocompletion=complete_study_names,
    ),
]

StudiesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY",
        callback=require_text,
        help="Name of a study in --storage, or path to its folder; several are compared.",
        autocompletion=complete_study_names,
    ),
]

StorageOption = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        callback=expand_location,
        help="Folder or address that holds the studies, e.g. results or s3://bucket/studies.",
        rich_help_panel=STUDY_PANEL,
    ),
]

TrialOption = Annotated[
    str | None,
    typer.Option(
        metavar="TRIAL",
        show_default="the best on val",
        help="Name of the trial whose model to use, as listed in the report, e.g. trial-17.",
        rich_help_panel=STUDY_PANEL,
    ),
]

VoteOption = Annotated[
    str | None,
    typer.Option(
        metavar="CONFIGURATION",
        show_default="one model",
        help="Use the mean probabilities of all complete trials of a configuration, e.g. "
        "cnn-config-1.",
        rich_help_panel=STUDY_PANEL,
    ),
]

OrientationsOption = Annotated[
    bool,
    typer.Option(
        "--orientations",
        help="Average the probabilities over the eight orientations of each image. A study that "
        "was trained with --orientations always does.",
        rich_help_panel=STUDY_PANEL,
    ),
]

DataOption = Annotated[
    str | None,
    typer.Option(
        metavar="DATA[:SIDE]",
        show_default="bloodmnist",
        callback=require_data_source,
        help="Data to train on: synthetic cells; a data set of MedMNIST with the side of its "
        "images (28, 64, 128 or 224 pixels), e.g. dermamnist:64, which is downloaded once; or a "
        "folder of your own images with a side of 8 to 256 pixels, e.g. cells:64.",
        autocompletion=complete_data_names,
        rich_help_panel=DATA_PANEL,
    ),
]

CropOption = Annotated[
    int | None,
    typer.Option(
        min=MIN_SIDE,
        metavar="PIXELS",
        show_default="the largest square",
        help="Side length of the centered square to crop from each image; 200 for the "
        "photographs from which BloodMNIST was made.",
        rich_help_panel=DATA_PANEL,
    ),
]

DataFileOption = Annotated[
    Path | None,
    typer.Option(
        "--data-file",
        parser=parse_path,
        metavar="PATH",
        help="Data file in the MedMNIST format to use instead of the download.",
        rich_help_panel=DATA_PANEL,
    ),
]

DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        parser=parse_path,
        metavar="PATH",
        show_default="~/.medmnist",
        help="Folder of the files of MedMNIST; a missing one is downloaded.",
        rich_help_panel=DATA_PANEL,
    ),
]

StudyDataFileOption = Annotated[
    Path | None,
    typer.Option(
        "--data-file",
        parser=parse_path,
        metavar="PATH",
        show_default="the recorded file",
        help="Data file that the study was trained on.",
        rich_help_panel=DATA_PANEL,
    ),
]

AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        callback=resolve_address,
        show_default=ADDRESS_DEFAULT,
        help="Address of a Ray cluster, e.g. host:6379, auto on a node of the cluster, or local "
        "for Ray on this machine.",
        rich_help_panel=RESOURCES_PANEL,
    ),
]

AllowCodeChangeOption = Annotated[
    bool,
    typer.Option(
        "--allow-code-change",
        help="Resume even if the software has changed; the report states the change.",
        rich_help_panel=STUDY_PANEL,
    ),
]

StallTimeoutOption = Annotated[
    float | None,
    typer.Option(
        parser=parse_duration_s,
        metavar="TIME",
        show_default="never",
        help="Time without a report after which a trial is restarted from its checkpoint, e.g. "
        "30m; longer than an epoch.",
        rich_help_panel=RESOURCES_PANEL,
    ),
]

MarginOption = Annotated[
    float,
    typer.Option(
        min=0.01,
        max=100,
        metavar="POINTS",
        help="Largest difference of macro F1, in percentage points, that counts as equivalent.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]

QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Print only the path of the report.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
