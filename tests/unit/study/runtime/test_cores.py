"""The cores of this process, not of the host."""

import os

import pytest

from bloodnets.errors import DataError
from study.runtime.cores import count_available_cores


def test_count_available_cores_with_one_core_allowed_is_one() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert count_available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_count_available_cores_invalid_limit_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "two")
    with pytest.raises(DataError) as caught:
        count_available_cores()
    assert caught.value.value == "two"
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert count_available_cores() == 1
