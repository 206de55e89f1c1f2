"""Arguments and options to values."""

from typing import TYPE_CHECKING

from bloodnets.errors import DataError
from bloodnets.storage.backends import Address, Place, place

if TYPE_CHECKING:
    pass

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from study.configs.presets import PUBLISHED, RESNET, WITHOUT
from study.configs.search_space import OPTIMIZERS

if TYPE_CHECKING:
    pass
from study.cli.options import Device
from study.configs.presets import GPU_SHARE


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


def place_of(results: str, study: str) -> Place:
    """Of a study that is named, or whose folder or address is."""
    here = place(results)
    if isinstance(here, Address):
        return here / study if "://" not in study else place(study)
    return here / study if (here / study).is_dir() else place(study)
