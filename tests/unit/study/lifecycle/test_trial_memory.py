"""Memory of a trial: estimated from its network, and checked before a study starts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.errors import ResourceError
from study.configs.presets import CONFIGURATIONS
from study.lifecycle import trial_memory
from study.lifecycle.trial_memory import check_trial_memory, estimate_trial_bytes
from tests.helpers.study_configs import make_grid_config

LARGE = DataShape(n_classes=5, channels=3, side=64)
HUGE = DataShape(n_classes=5, channels=3, side=224)


@pytest.fixture
def set_host(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that sets the free memory of a host with four cores and no GPU."""
    monkeypatch.setattr(trial_memory, "count_available_cores", lambda: 4)
    monkeypatch.setattr(trial_memory, "find_gpus", list)

    def set_memory(gibibytes: float) -> None:
        memory = SimpleNamespace(available=gibibytes * 2**30)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)

    return set_memory


def test_estimate_trial_bytes_of_bloodmnist_are_below_the_documented_ones() -> None:
    for name in ("mlnn-config-2", "cnn-config-2"):
        assert estimate_trial_bytes(CONFIGURATIONS[name], BLOODMNIST_SHAPE) < 0.7 * 2**30


def test_estimate_trial_bytes_of_large_batches_of_large_images_are_bounded() -> None:
    config = CONFIGURATIONS["cnn-config-2"]
    small_batch, large_batch = (
        estimate_trial_bytes(replace(config, batch_size=n), HUGE) for n in (5, 512)
    )
    assert small_batch == large_batch < 2 * 10**9 * 1.1
    assert estimate_trial_bytes(CONFIGURATIONS["resnet"], HUGE) < 2 * 10**9


def test_check_trial_memory_trial_that_does_not_fit_raises(
    set_host: Callable[[float], None], tmp_path: Path
) -> None:
    set_host(100)
    config = replace(make_grid_config(tmp_path), configurations=("cnn-config-1", "mlnn-config-2"))
    with pytest.raises(ResourceError, match="MLNN at 224 x 224") as caught:
        check_trial_memory(config, HUGE)
    assert caught.value.value == 100 * 2**30
    assert "smaller images" in str(caught.value.remedy)


def test_check_trial_memory_fewer_parallel_trials_that_fit_are_the_remedy(
    set_host: Callable[[float], None], tmp_path: Path
) -> None:
    set_host(14)
    config = replace(make_grid_config(tmp_path), configurations=("mlnn-config-2",))
    with pytest.raises(ResourceError) as caught:
        check_trial_memory(config, LARGE)
    assert caught.value.remedy == "add --max-concurrent 2"
    check_trial_memory(replace(config, max_concurrent=2), LARGE)
    check_trial_memory(replace(config, cpus_per_trial=2), LARGE)
    with pytest.raises(ResourceError):
        check_trial_memory(replace(config, max_concurrent=3), LARGE)


def test_check_trial_memory_is_not_checked_for_small_images_gpus_and_clusters(
    set_host: Callable[[float], None], tmp_path: Path
) -> None:
    set_host(0.1)
    config = replace(make_grid_config(tmp_path), configurations=("mlnn-config-2",))
    with pytest.raises(ResourceError):
        check_trial_memory(config, LARGE)
    check_trial_memory(config, BLOODMNIST_SHAPE)
    check_trial_memory(replace(config, gpus_per_trial=0.5), HUGE)
    check_trial_memory(replace(config, address="10.0.0.1:6379"), HUGE)
