"""Count the CPU cores of this host, without importing PyTorch or Ray."""

import joblib


def count_available_cores() -> int:
    """Return the number of cores available to this process, given its affinity and CPU quota."""
    return int(joblib.cpu_count())
