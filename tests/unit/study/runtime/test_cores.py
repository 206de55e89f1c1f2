"""The cores of this process, not of the host."""

import os

from study.runtime.cores import count_available_cores


def test_count_available_cores_with_one_core_allowed_is_one() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert count_available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
