"""Why a trial's process died, by the exception that Tune keeps of it."""

from ray.exceptions import RayActorError
from ray.tune.experiment import Trial

from study.runtime.out_of_memory import count_kernel_kills, describe_failure
from study.runtime.tune_internals import OutOfMemoryActorError


def test_describe_failure_killed_by_ray_says_so_whatever_the_kernel_did(trial: Trial) -> None:
    trial.handle_error(OutOfMemoryActorError(error_msg="killed"))
    descriptions = {describe_failure(trial, killed_by_kernel=kernel) for kernel in (True, False)}
    assert len(descriptions) == 1
    assert "out of memory" in descriptions.pop()


def test_describe_failure_other_death_asks_the_kernel(trial: Trial) -> None:
    trial.handle_error(RayActorError(error_msg="out of memory: killed by Ray"))
    by_kernel, otherwise = (describe_failure(trial, killed_by_kernel=k) for k in (True, False))
    assert "out of memory" in by_kernel
    assert "kernel" in by_kernel
    assert "out of memory" not in otherwise


def test_count_kernel_kills_on_this_host_is_a_count() -> None:
    assert count_kernel_kills() >= 0
