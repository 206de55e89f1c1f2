"""The options that `grid` and `search` share, and what they are read into."""

import os
import re
import secrets
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.config import BATCH_SIZE
from bloodnets.errors import ConflictError, DataError, MachineError
from bloodnets.storage.backends import STUDY, Address, Place, storage_at
from study.grid import PUBLISHED, RESNET, WITHOUT
from study.interrupts import tidily
from study.lock import refuse_held
from study.space import OPTIMIZERS

GPU_SHARE = 0.25
"""GPUs a trial, where there are any. Four trials of the published networks fit on any GPU: each
needs less than 1 GB."""

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.config import StudyConfig


class Data(StrEnum):
    """Which images to train on."""

    BLOODMNIST = "bloodmnist"
    RENDERED = "rendered"


class Precision(StrEnum):
    """Of products in training."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Device(StrEnum):
    """What trials train on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Split(StrEnum):
    """Of data in the MedMNIST format."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        show_default=f"{BATCH_SIZE}; of resnet {RESNET['batch_size']}",
        help="Images a step.",
    ),
]
PrecisionKind = Annotated[
    Precision, typer.Option("--precision", help="Of products in training; the rest is float32.")
]
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
Results = Annotated[
    str,
    typer.Option(
        "--results",
        "--storage",
        help="Folder that holds the studies' folders; also an address, as s3://bucket/studies.",
    ),
]
CpusPerTrial = Annotated[int, typer.Option(min=1, help="Cores a trial.")]
DeviceKind = Annotated[
    Device, typer.Option("--device", help="auto: a GPU where there is one; of a cluster, anywhere.")
]
GpusPerTrial = Annotated[
    float | None,
    typer.Option(show_default=".25 if there is one, else 0", help="GPUs a trial, also a fraction."),
]
MaxConcurrent = Annotated[
    int | None, typer.Option(min=1, show_default="as many as fit", help="Trials at once.")
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(show_default="local: Ray on this machine", help="Of a Ray cluster, as host:6379."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the study of this name, with the same options.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the report's path alone.")]


def name(kind: str, given: str | None, *, goes_on: bool) -> str:
    """Of a study: the one given, or the kind and the time to the second, UTC.

    Raises:
        DataError: none is given of a study that goes on.
    """
    if given is None and goes_on:
        raise DataError("--resume needs --name, to know which study goes on")
    return f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}" if given is None else given


def configurations(given: Collection[str] | None, *, ablation: bool) -> tuple[str, ...]:
    """Names of the configurations of a grid, each once.

    Raises:
        DataError: the ablation's are asked for, and others.
    """
    if not ablation:
        return tuple(PUBLISHED if given is None else dict.fromkeys(given))
    if given is not None:
        raise DataError("--ablation names its configurations itself; leave --config out")
    return ("resnet", *WITHOUT)


def optimizers(given: str | None, family: str) -> tuple[str, ...]:
    """That a search draws from.

    Raises:
        DataError: there is no such optimizer, or the family is trained with one alone.
    """
    if family == "resnet":
        if given is not None:
            raise DataError("--optimizer is of cnn, mlnn and both; resnet is trained with AdamW")
        return (RESNET["optimizer"],)
    return OPTIMIZERS if given is None else (one_of("--optimizer", given, OPTIMIZERS),)


def gpus(device: Device, given: float | None) -> float | None:
    """GPUs a trial; None to take what the machines have.

    Raises:
        DataError: the two contradict each other.
    """
    if device is Device.CPU and given:
        raise DataError(f"--device cpu and --gpus-per-trial {given:g} contradict each other")
    if device is Device.CUDA and given == 0:
        raise DataError("--device cuda and --gpus-per-trial 0 contradict each other")
    if device is Device.CPU:
        return 0.0
    return GPU_SHARE if device is Device.CUDA and given is None else given


def check_place(place: Place, *, goes_on: bool) -> None:
    """Refuse a study's folder that cannot be made, or, of one that goes on, that is not there.

    Raises:
        ConflictError: it is there, or is not.
        MachineError: it is a link or a file, or lies in a folder that cannot be written.
    """
    there = check_remote(place) if isinstance(place, Address) else _check_local(place)
    if goes_on and not there:
        raise ConflictError(f"no study in {place}; leave --resume out to begin one")
    if not goes_on and there:
        raise ConflictError(
            f"{place} exists already; choose another --name, or go on with it: --resume"
        )


def check_remote(address: Address) -> bool:
    """Whether there is a study; that one could be written is tried, and not waited for.

    Raises:
        DataError: pyarrow knows no such kind of address.
        MachineError: it could not.
    """
    probe = f".{secrets.token_hex(8)}"
    try:
        remote = storage_at(address, patience_s=0)
        there = remote.exists(STUDY)
        remote.write(f"{probe}/empty", b"")
        remote.remove(probe)
    except OSError as error:
        raise MachineError(
            f"cannot use {error}; choose another --storage, or see to the network, the rights and "
            f"AWS_ENDPOINT_URL"
        ) from error
    return there


def _check_local(folder: Path) -> bool:
    """Whether there is such a folder; it can be written, or made."""
    if folder.is_symlink():
        raise MachineError(f"{folder} is a symbolic link; wanted: a folder, or no file yet")
    if os.path.lexists(folder) and not folder.is_dir():
        raise MachineError(f"{folder} is a file; wanted: a folder, or no file yet")
    refuse_held(folder)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except NotADirectoryError as error:
        raise MachineError(f"{parent} is a file; wanted: a folder") from error
    except OSError as error:
        raise MachineError(f"cannot write to {parent.absolute()}: {error.strerror}") from error
    return folder.exists()


def check_machine(config: "StudyConfig") -> None:
    """Refuse a cluster that does not answer, and a GPU that is not there, before data are read.

    Raises:
        MachineError: it is so.
    """
    if config.address is not None:
        from study.cluster import probe

        probe(config.address)
    elif config.gpus_per_trial:
        from study.resources import check_here

        check_here(config)


def load(data: Data, file: Path | None, root: Path | None) -> "BloodCells":
    """The data that the options name; BloodMNIST is downloaded if it is not there.

    Raises:
        DataError: the options contradict each other, or the file is not what is needed.
        MachineError: it cannot be downloaded.
    """
    if data is Data.RENDERED and (file or root):
        raise DataError("--data rendered takes neither --data-file nor --data-root")
    from bloodnets.data.download import official_file
    from bloodnets.data.medmnist import load_file, load_rendered

    if data is Data.RENDERED:
        return load_rendered()
    if file is None:
        with tidily():  # a download
            file = official_file(root)
    return load_file(file)


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
