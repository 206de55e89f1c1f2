"""Count the CPU cores of this host, without importing PyTorch or Ray."""

import os

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
