"""Arguments and options to values."""

from collections.abc import Collection
from datetime import UTC, datetime

from bloodnets.errors import DataError
from bloodnets.storage.location import RemotePath, StudyPath, parse_location
from study.cli.options import DeviceChoice
from study.configs.presets import ABLATIONS, DEFAULT_GPUS_PER_TRIAL, PUBLISHED, RESNET
from study.configs.search_space import OPTIMIZERS


def resolve_study_name(study_kind: str, requested_name: str | None, *, resume: bool) -> str:
    """Of a study: the one given, or the kind and the time to the second, UTC.

    Raises:
        DataError: none is given of a study that goes on.
    """
    if requested_name is None and resume:
        raise DataError("--resume needs --name, to know which study goes on")
    return (
        f"{study_kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        if requested_name is None
        else requested_name
    )


def resolve_configurations(names: Collection[str] | None, *, ablation: bool) -> tuple[str, ...]:
    """Names of the configurations of a grid, each once.

    Raises:
        DataError: the ablation's are asked for, and others.
    """
    if not ablation:
        return tuple(PUBLISHED if names is None else dict.fromkeys(names))
    if names is not None:
        raise DataError("--ablation names its configurations itself; leave --config out")
    return ("resnet", *ABLATIONS)


def resolve_optimizers(optimizer: str | None, family: str) -> tuple[str, ...]:
    """That a search draws from.

    Raises:
        DataError: there is no such optimizer, or the family is trained with one alone.
    """
    if family == "resnet":
        if optimizer is not None:
            raise DataError("--optimizer is of cnn, mlnn and both; resnet is trained with AdamW")
        return (RESNET["optimizer"],)
    return (
        OPTIMIZERS if optimizer is None else (require_one_of("--optimizer", optimizer, OPTIMIZERS),)
    )


def resolve_gpus_per_trial(device: DeviceChoice, gpus_per_trial: float | None) -> float | None:
    """GPUs a trial; None to take what the machines have.

    Raises:
        DataError: the two contradict each other.
    """
    if device is DeviceChoice.CPU and gpus_per_trial:
        raise DataError(
            f"--device cpu and --gpus-per-trial {gpus_per_trial:g} contradict each other"
        )
    if device is DeviceChoice.CUDA and gpus_per_trial == 0:
        raise DataError("--device cuda and --gpus-per-trial 0 contradict each other")
    if device is DeviceChoice.CPU:
        return 0.0
    return (
        DEFAULT_GPUS_PER_TRIAL
        if device is DeviceChoice.CUDA and gpus_per_trial is None
        else gpus_per_trial
    )


def require_one_of(option: str, value: str, allowed: Collection[str]) -> str:
    """The value, if it is one of those allowed.

    Raises:
        DataError: it is not.
    """
    if value not in allowed:
        raise DataError(f"{option} is {value!r}; wanted: {' or '.join(allowed)}")
    return value


def parse_duration_s(option: str, text: str) -> float:
    """Return the seconds of `90s`, `30m`, `2h`, `1h30m`, or any other time that pandas reads.

    Raises:
        DataError: It is no time, has no unit, or is not above 0.
    """
    from pandas import Timedelta

    has_unit = any(character.isalpha() for character in text)
    try:
        duration_s = Timedelta(text).total_seconds() if has_unit else float("nan")
    except ValueError:
        duration_s = float("nan")
    if not duration_s > 0:
        raise DataError(f"{option} is {text!r}; wanted: a time above 0, as 90s, 30m or 1h30m")
    return duration_s


def resolve_study_location(storage_root: str, study: str) -> StudyPath:
    """Of a study that is named, or whose folder or address is."""
    root_location = parse_location(storage_root)
    if isinstance(root_location, RemotePath):
        return root_location / study if "://" not in study else parse_location(study)
    return root_location / study if (root_location / study).is_dir() else parse_location(study)
