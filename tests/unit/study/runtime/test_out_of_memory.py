"""Why a trial's process died, by the exception that Tune keeps of it."""

from pathlib import Path

import pytest
from ray.exceptions import RayActorError
from ray.train._internal.storage import StorageContext
from ray.tune.experiment import Trial

from study.runtime.out_of_memory import describe_failure
from study.runtime.ray_internals import OutOfMemoryActorError, load_trial_error


@pytest.fixture
def trial(ray_folder: Path, tmp_path: Path) -> Trial:
    """One of Tune's trials, which never runs."""
    storage = StorageContext(storage_path=str(tmp_path), experiment_dir_name="experiment")
    trial = Trial("trainable", stub=True, storage=storage, max_failures=3)
    trial.init_local_path()
    return trial


def test_load_trial_error_without_a_failure_is_none(trial: Trial) -> None:
    assert load_trial_error(trial) is None


def test_load_trial_error_after_failures_is_the_last_one(trial: Trial) -> None:
    trial.handle_error(OutOfMemoryActorError(error_msg="killed"))
    assert isinstance(load_trial_error(trial), OutOfMemoryActorError)
    trial.handle_error(RayActorError(error_msg="gone"))
    assert type(load_trial_error(trial)) is RayActorError


def test_describe_failure_killed_by_ray_says_so_whatever_the_kernel_did(trial: Trial) -> None:
    trial.handle_error(OutOfMemoryActorError(error_msg="killed"))
    descriptions = {describe_failure(trial, killed_by_kernel=kernel) for kernel in (True, False)}
    assert len(descriptions) == 1
    assert "killed by Ray" in descriptions.pop()


def test_describe_failure_other_death_asks_the_kernel(trial: Trial) -> None:
    trial.handle_error(RayActorError(error_msg="out of memory: killed by Ray"))
    assert "killed by the kernel" in describe_failure(trial, killed_by_kernel=True)
    assert describe_failure(trial, killed_by_kernel=False) == "its process died"
