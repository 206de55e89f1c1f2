"""What is refused before data are read, because a trial could never start."""

from pathlib import Path

import pytest

from bloodnets.errors import ResourceError
from study.configs.study_config import StudyConfig
from study.runtime.cores import count_available_cores
from study.runtime.resources import check_compute


def make_config(*, cpus_per_trial: int = 1, gpus_per_trial: float | None = 0.0) -> StudyConfig:
    return StudyConfig(
        name="s",
        storage_root=Path("results"),
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        max_concurrent=None,
        address=None,
    )


def test_check_compute_all_cores_passes() -> None:
    cores = count_available_cores()
    assert check_compute(make_config(cpus_per_trial=cores)) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (make_config(cpus_per_trial=count_available_cores() + 1), count_available_cores() + 1),
        (make_config(gpus_per_trial=1024), 1024),
    ],
)
def test_check_compute_more_than_the_host_has_raises(config: StudyConfig, value: float) -> None:
    with pytest.raises(ResourceError) as caught:
        check_compute(config)
    assert caught.value.value == value
