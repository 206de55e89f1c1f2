"""The CPU cores of this host; importing this module loads neither PyTorch nor Ray."""

import joblib


def count_available_cores() -> int:
    """Return the cores that this process may use, given its affinity and a container's quota."""
    return int(joblib.cpu_count())
