"""Ray's private API is still there, and does what we use it for: on the installed Ray."""

import inspect
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray import tune
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError, RpcError
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from study.runtime.ray_internals import (
    OutOfMemoryActorError,
    PickledAsBlank,
    clear_trial_metrics,
    connect_gcs,
    find_pending_trial,
    let_trials_use_started_workers,
    load_trial_error,
    patch_oom_handling,
)


class SpyScheduler(PickledAsBlank, FIFOScheduler):
    """Scheduler that keeps what Tune passed and what was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[Any] = []

    def choose_trial_to_run(self, controller: Any) -> Any:
        self.chosen.append(find_pending_trial(controller))
        return self.chosen[-1]


class SpyCallback(PickledAsBlank, tune.Callback):
    """Callback that clears each ended trial's metrics, and keeps what there was before."""

    def __init__(self) -> None:
        self.metrics: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        metadata = trial.run_metadata
        before = dict(metadata.metric_analysis)
        clear_trial_metrics(trial)
        self.metrics.append((before, dict(metadata.metric_analysis)))


def report_loss(config: dict[str, Any]) -> None:
    tune.report({"loss": float(config["number"])})


def report_environment(config: dict[str, Any]) -> None:
    tune.report({"runtime_env": dict(ray.get_runtime_context().runtime_env)})


def test_start_ray_puts_its_files_into_the_given_folder(ray_folder: Path) -> None:
    assert list(ray_folder.glob("session_*/sockets"))


def test_start_ray_leaves_out_unused_services(ray_folder: Path) -> None:
    commands = " ".join(
        " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)
    )
    assert "gcs_server" in commands
    for service in ("dashboard/dashboard.py", "log_monitor.py", "autoscaler"):
        assert service not in commands


def test_start_ray_preloads_modules_in_workers(ray_folder: Path) -> None:
    def list_modules() -> set[str]:
        return set(sys.modules)

    assert "wave" in ray.get(ray.remote(list_modules).remote())


def test_start_ray_keeps_an_idle_worker_whose_core_is_reserved(ray_folder: Path) -> None:
    def get_pid() -> int:
        return os.getpid()

    remote_get_pid = ray.remote(get_pid)
    idle_pid = ray.get(remote_get_pid.remote())
    group = placement_group([{"CPU": 1}])
    ray.get(group.ready())
    try:
        time.sleep(2)  # a worker that Ray may end is ended after a second
        strategy = PlacementGroupSchedulingStrategy(group)
        pid = ray.get(remote_get_pid.options(num_cpus=1, scheduling_strategy=strategy).remote())
    finally:
        remove_placement_group(group)
    assert pid == idle_pid


def test_let_trials_use_started_workers_gives_trials_no_environment_of_their_own(
    ray_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in class_cache.ENV_VARS_TO_PROPAGATE:  # e.g. the keys of a store
        monkeypatch.delenv(name, raising=False)
    let_trials_use_started_workers()
    results = tune.Tuner(
        report_environment, run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0)
    ).fit()
    assert results[0].metrics["runtime_env"] == {}


def test_connect_gcs_answers_for_a_cluster_and_raises_elsewhere(ray_folder: Path) -> None:
    address = ray.get_runtime_context().gcs_address
    connect_gcs(address)
    with pytest.raises((RpcError, RuntimeError, OSError, ValueError)):
        connect_gcs("no address")


def test_find_pending_trial_on_a_real_controller_starts_every_trial(
    ray_folder: Path, tmp_path: Path
) -> None:
    scheduler, callback = SpyScheduler(), SpyCallback()
    results = tune.Tuner(
        tune.with_resources(report_loss, {"cpu": 1}),
        param_space={"number": tune.grid_search([0, 1, 2])},
        tune_config=tune.TuneConfig(scheduler=scheduler, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(tmp_path), callbacks=[callback], verbose=0),
    ).fit()
    assert sorted(result.metrics["loss"] for result in results) == [0, 1, 2]
    assert any(trial is not None for trial in scheduler.chosen)
    assert len(callback.metrics) == 3
    for before, after in callback.metrics:
        assert "loss" in before
        assert after == {}


@pytest.mark.parametrize("cls", [SpyScheduler, SpyCallback])
def test_pickled_as_blank_leaves_an_object_of_the_ray_class(cls: type[Any]) -> None:
    restored = pickle.loads(pickle.dumps(cls()))
    assert type(restored) in {FIFOScheduler, tune.Callback}


def test_patch_oom_handling_passes_a_kill_on_as_a_dead_actor_and_patches_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler = RayActorManager._actor_task_failed
    if getattr(handler, "handles_oom", False):  # patched by an earlier test of this process
        handler = inspect.getclosurevars(handler).nonlocals["original_handler"]
    assert [*inspect.signature(handler).parameters] == ["self", "tracked_actor_task", "exception"]
    passed: list[Exception] = []
    monkeypatch.setattr(
        RayActorManager,
        "_actor_task_failed",
        lambda self, tracked_actor_task, exception: passed.append(exception),
    )
    patch_oom_handling()
    patched = RayActorManager._actor_task_failed
    patch_oom_handling()
    assert RayActorManager._actor_task_failed is patched
    for error in (OutOfMemoryError("killed"), ValueError("other")):
        patched(None, None, error)
    assert [type(error) for error in passed] == [OutOfMemoryActorError, ValueError]
    assert isinstance(passed[0], RayActorError)  # which Tune handles
    assert str(passed[0]) == "killed"


def test_load_trial_error_without_a_failure_is_none(trial: Trial) -> None:
    assert load_trial_error(trial) is None


def test_load_trial_error_after_failures_is_the_last_one(trial: Trial) -> None:
    trial.handle_error(OutOfMemoryActorError(error_msg="killed"))
    assert isinstance(load_trial_error(trial), OutOfMemoryActorError)
    trial.handle_error(RayActorError(error_msg="gone"))
    assert type(load_trial_error(trial)) is RayActorError
