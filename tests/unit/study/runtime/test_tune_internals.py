"""The private API of Ray Tune is still there, and does what we use it for."""

import json
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.air.execution.resources import PlacementGroupResourceManager
from ray.air.execution.resources.request import ResourceRequest
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.runtime.node_failures import NodeFailureError, NodeFailureKind
from study.runtime.tune_internals import (
    OutOfMemoryActorError,
    PickledAsBlank,
    clear_trial_metrics,
    count_ended_trials,
    find_pending_trial,
    load_trial_error,
    patch_tune,
)


class Empty:
    """Class of an actor without methods."""


class SpyScheduler(PickledAsBlank, FIFOScheduler):
    """Scheduler that keeps what Tune passed and what was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[Any] = []
        self.n_ended = 0

    def choose_trial_to_run(self, controller: Any) -> Any:
        self.n_ended = count_ended_trials(controller, self.n_ended)
        self.chosen.append(find_pending_trial(controller, first=self.n_ended))
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


def test_patch_tune_gives_trials_no_environment_of_their_own(
    ray_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in class_cache.ENV_VARS_TO_PROPAGATE:  # e.g. the keys of a store
        monkeypatch.delenv(name, raising=False)
    patch_tune()
    results = tune.Tuner(
        report_environment, run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0)
    ).fit()
    assert results[0].metrics["runtime_env"] == {}


def report_parameter(config: dict[str, Any], *, value: int) -> None:
    tune.report({"value": value})


def test_patch_tune_each_run_has_its_own_trainable_class_and_an_empty_snapshot(
    ray_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray.air.integrations.mlflow", None)  # no import
    values = []
    for value in (1, 2):
        patch_tune()
        results = tune.Tuner(
            tune.with_parameters(report_parameter, value=value),
            tune_config=tune.TuneConfig(num_samples=2),
            run_config=tune.RunConfig(storage_path=str(tmp_path), name=str(value), verbose=0),
        ).fit()
        values.append([result.metrics["value"] for result in results])
    assert values == [[1, 1], [2, 2]]
    snapshots = [json.loads(path.read_text()) for path in tmp_path.glob("*/experiment_state-*")]
    assert [snapshot["trial_data"] for snapshot in snapshots] == [[], []]


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
    assert scheduler.n_ended >= 2
    assert len(callback.metrics) == 3
    for before, after in callback.metrics:
        assert "loss" in before
        assert after == {}


@pytest.mark.parametrize("cls", [SpyScheduler, SpyCallback])
def test_pickled_as_blank_leaves_an_object_of_the_ray_class(cls: type[Any]) -> None:
    restored = pickle.loads(pickle.dumps(cls()))
    assert type(restored) in {FIFOScheduler, tune.Callback}


def test_patch_tune_passes_an_out_of_memory_kill_on_as_a_dead_actor(ray_folder: Path) -> None:
    patch_tune()
    manager = RayActorManager(PlacementGroupResourceManager())
    errors: list[Exception] = []
    actor = manager.add_actor(
        Empty, {}, ResourceRequest([{"CPU": 1}]), on_error=lambda _, error: errors.append(error)
    )
    while not manager.is_actor_started(actor):
        manager.next(timeout=0.1)
    manager._actor_task_failed(TrackedActorTask(actor), OutOfMemoryError("killed"))
    manager.cleanup()
    (error,) = errors
    assert isinstance(error, OutOfMemoryActorError)
    assert isinstance(error, RayActorError)  # which Tune handles
    assert str(error) == "killed"


class FailureRecorder(PickledAsBlank, tune.Callback):
    """Callback that keeps why trials were retried, and how many failures each has at its end."""

    def __init__(self) -> None:
        self.kinds: list[NodeFailureKind] = []
        self.failure_counts: list[int] = []
        self.failed: list[Trial] = []

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        error = load_trial_error(trial)
        assert isinstance(error, NodeFailureError), error
        self.kinds.append(error.kind)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.failure_counts.append(trial.num_failures)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.failed.append(trial)


def fit_two(trainable: Any, folder: Path) -> FailureRecorder:
    """Run two trials one after the other, each stopped after its first result."""
    patch_tune()
    recorder = FailureRecorder()
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"number": tune.grid_search([0, 1])},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=1),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            callbacks=[recorder],
            stop={"training_iteration": 1},
            failure_config=tune.FailureConfig(max_failures=3),
            verbose=0,
        ),
    ).fit()
    return recorder


def linger(config: dict[str, Any]) -> None:
    """Stay in the process for longer than Tune waits."""
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = "0"
    try:
        tune.report({"loss": 0.0})
    finally:
        time.sleep(0.5)


def exit_at_end(config: dict[str, Any]) -> None:
    """End the process when the next trial wants it."""
    try:
        tune.report({"loss": 0.0})
    finally:
        os._exit(1)


@pytest.mark.parametrize("trainable", [linger, exit_at_end])
def test_patch_tune_process_that_cannot_be_reused_costs_no_attempt(
    ray_folder: Path, tmp_path: Path, trainable: Any
) -> None:
    recorder = fit_two(trainable, tmp_path)
    assert recorder.kinds == [NodeFailureKind.REUSE]
    assert recorder.failure_counts == [0, 0]
    assert not recorder.failed


class Unloadable:
    """Object that workers can unpickle only from the second time on."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return fail_first_time, (self.marker, os.getpid())


def fail_first_time(marker: Path, driver_pid: int) -> Unloadable:
    if os.getpid() == driver_pid or marker.exists():
        return Unloadable(marker)
    marker.touch()
    raise ImportError("broken installation")


def test_patch_tune_process_that_does_not_start_costs_no_attempt(
    ray_folder: Path, tmp_path: Path
) -> None:
    unloadable = Unloadable(tmp_path / "marker")

    def report_marker(config: dict[str, Any]) -> None:
        tune.report({"loss": float(unloadable.marker.exists())})

    recorder = fit_two(report_marker, tmp_path / "tune")
    assert recorder.kinds == [NodeFailureKind.START]
    assert recorder.failure_counts == [0, 0]
    assert not recorder.failed


def raise_node_failure(config: dict[str, Any]) -> None:
    raise NodeFailureError(kind=NodeFailureKind.START, reason="no torch", node_id="1", address="a")


def test_load_trial_error_of_a_worker_is_what_the_worker_raised(
    ray_folder: Path, trial: Trial
) -> None:
    with pytest.raises(NodeFailureError) as caught:
        ray.get(ray.remote(raise_node_failure).remote({}))
    trial.handle_error(caught.value)
    error = load_trial_error(trial)
    assert isinstance(error, NodeFailureError)
    assert (error.reason, error.node_id, error.address) == ("no torch", "1", "a")
    assert trial.num_failures == 0  # Tune counts it as a preemption


def test_load_trial_error_without_a_failure_is_none(trial: Trial) -> None:
    assert load_trial_error(trial) is None


def test_load_trial_error_after_failures_is_the_last_one(trial: Trial) -> None:
    trial.handle_error(OutOfMemoryActorError(error_msg="killed"))
    assert isinstance(load_trial_error(trial), OutOfMemoryActorError)
    trial.handle_error(RayActorError(error_msg="gone"))
    assert type(load_trial_error(trial)) is RayActorError
