"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bloodnets.config import DEFAULT_BATCH_SIZE
from study.configs.presets import RESNET


class DataChoice(StrEnum):
    """Which images to train on."""

    BLOODMNIST = "bloodmnist"
    SYNTHETIC = "synthetic"


class PrecisionChoice(StrEnum):
    """Of products in training."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class DeviceChoice(StrEnum):
    """What trials train on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class SplitChoice(StrEnum):
    """Of data in the MedMNIST format."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        show_default=f"{DEFAULT_BATCH_SIZE}; of resnet {RESNET['batch_size']}",
        help="Images a step.",
    ),
]


PrecisionOption = Annotated[
    PrecisionChoice,
    typer.Option("--precision", help="Of products in training; the rest is float32."),
]


DataOption = Annotated[
    DataChoice, typer.Option("--data", help="synthetic: generated stand-in cells, no download.")
]


DataFileOption = Annotated[
    Path | None, typer.Option(help="A file in the MedMNIST format, instead of the download.")
]


DataRootOption = Annotated[
    Path | None,
    typer.Option(
        show_default="~/.medmnist", help="Folder of bloodmnist.npz, also of the download."
    ),
]


StorageOption = Annotated[
    str,
    typer.Option(
        "--storage",
        help="Folder that holds the studies' folders; also an address, as s3://bucket/studies.",
    ),
]


CpusPerTrialOption = Annotated[int, typer.Option(min=1, help="Cores a trial.")]


DeviceOption = Annotated[
    DeviceChoice,
    typer.Option("--device", help="auto: a GPU where there is one; of a cluster, anywhere."),
]


GpusPerTrialOption = Annotated[
    float | None,
    typer.Option(show_default=".25 if there is one, else 0", help="GPUs a trial, also a fraction."),
]


MaxConcurrentOption = Annotated[
    int | None, typer.Option(min=1, show_default="as many as fit", help="Trials at once.")
]


AddressOption = Annotated[
    str | None,
    typer.Option(show_default="local: Ray on this machine", help="Of a Ray cluster, as host:6379."),
]


ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the study of this name, with the same options.")
]


AllowCodeChangeOption = Annotated[
    bool,
    typer.Option(
        "--allow-code-change",
        help="Resume although the software changed since; the change is recorded and reported.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]


QuietOption = Annotated[bool, typer.Option("--quiet", help="Print the report's path alone.")]


TrialOption = Annotated[
    str | None,
    typer.Option(show_default="the best, by val", help="Its name, as in the report."),
]
