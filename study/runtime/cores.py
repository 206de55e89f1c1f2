"""Describe the CPU of this host, without importing PyTorch or Ray."""

import os
import platform
from pathlib import Path

import joblib

from bloodnets.errors import DataError

_LIMIT = "LOKY_MAX_CPU_COUNT"


def count_available_cores() -> int:
    """Return the number of cores available to this process.

    Its affinity, its CPU quota and joblib's variable `LOKY_MAX_CPU_COUNT` can limit the number.

    Raises:
        DataError: The variable is not a number.
    """
    try:
        return int(joblib.cpu_count())
    except ValueError as error:
        raise DataError.of_value(
            _LIMIT, os.environ.get(_LIMIT), "a whole number", remedy=f"unset {_LIMIT}"
        ) from error


def read_cpu_model() -> str:
    """Return the model name of this host's CPU."""
    # platform.processor() is empty on most Linux systems.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
