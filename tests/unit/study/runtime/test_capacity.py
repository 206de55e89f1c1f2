"""How many trials fit on a node."""

from pathlib import Path

import pytest

from study.runtime import capacity
from study.runtime.capacity import count_fitting_trials, count_local_trials
from tests.helpers.study_configs import make_grid_config


@pytest.mark.parametrize(
    ("gpus", "n_trials"), [(0, 12), (0.25, 8), (0.4, 4), (0.1, 12), (1, 2), (2, 1), (3, 0)]
)
def test_count_fitting_trials_is_bounded_by_cores_and_whole_shares_of_a_gpu(
    gpus: float, n_trials: int
) -> None:
    config = make_grid_config(Path("results"))
    assert count_fitting_trials({"CPU": 12, "GPU": 2}, config, gpus) == n_trials


def test_count_local_trials_counts_the_cores_and_gpus_of_this_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "count_available_cores", lambda: 6)
    monkeypatch.setattr(capacity, "find_gpus", lambda: ("GPU 0",))
    config = make_grid_config(Path("results"), cpus_per_trial=2)
    assert count_local_trials(config, 0.25) == 3
    assert count_local_trials(config, 1) == 1
