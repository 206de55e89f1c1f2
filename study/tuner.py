"""Run a study's trials with Ray Tune, and enter each in the ledger as it ends."""

import shutil
import textwrap
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ray import tune
from ray.exceptions import RayError

from bloodnets.checkpoint import MODEL_FILE, PREDICTIONS_FILE
from bloodnets.data import BloodCells
from bloodnets.errors import MachineError, StudyError
from bloodnets.trainable import run_trial
from reports.ledger import Ledger
from reports.records import EpochRecord, PlannedTrial, TrialRecord
from study.config import StudyConfig
from study.progress import Progress
from study.resources import RAY_LOG, slots

RETRIES = 1
"""How often a failed trial is started again before it counts as failed."""

CHECKPOINTS = "checkpoints"


def run_trials(config: StudyConfig, cells: BloodCells, ledger: Ledger, progress: Progress) -> None:
    """Train every planned trial. Ray must be running.

    Raises:
        StudyError: the ledger could not be written, or Ray gave up; the trials entered so far
            are in the ledger.
    """
    resources = {"cpu": config.cpus_per_trial, "gpu": config.gpus_per_trial or 0}
    # `with_parameters` puts the data into Ray's object store: once a node, shared by its trials.
    trainable = tune.with_resources(tune.with_parameters(run_trial, cells=cells), resources)
    tuner = tune.Tuner(
        trainable,
        param_space={"trial": tune.grid_search(_longest_first(ledger.study.trials))},
        tune_config=tune.TuneConfig(
            max_concurrent_trials=slots(config),
            # A fresh process a trial would import torch each time: some two seconds.
            reuse_actors=True,
            trial_name_creator=_trial_id,
            trial_dirname_creator=_trial_id,
        ),
        run_config=tune.RunConfig(
            name=CHECKPOINTS,
            storage_path=str(ledger.folder.resolve()),
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            callbacks=[_LedgerCallback(ledger, progress)],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except (RayError, tune.TuneError) as error:
        reason = textwrap.shorten(str(error), 200)
        raise MachineError(
            f"Ray gave up: {reason}; more is in {ledger.folder / RAY_LOG}"
        ) from error
    # What Tune keeps for itself: everything that counts is in the ledger by now.
    shutil.rmtree(ledger.folder / CHECKPOINTS, ignore_errors=True)


def _longest_first(trials: tuple[PlannedTrial, ...]) -> list[dict[str, Any]]:
    """The trials as Tune's parameters, CNNs first, so that no long one is left to the end alone."""
    ordered = sorted(trials, key=lambda trial: trial.config["family"] != "cnn")
    return [{"id": trial.id, "config": dict(trial.config)} for trial in ordered]


def _trial_id(trial: Any) -> str:
    return str(trial.config["trial"]["id"])


class _LedgerCallback(tune.Callback):
    """Follows the trials on the driver: shows them, and enters each in the ledger as it ends."""

    def __init__(self, ledger: Ledger, progress: Progress) -> None:
        self.ledger = ledger
        self.progress = progress
        self.planned = {trial.id: trial for trial in ledger.study.trials}
        self.epochs: dict[str, list[EpochRecord]] = defaultdict(list)
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, str] = {}
        self.started: dict[str, float] = {}
        self.fault: StudyError | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Tune pickles its callbacks for `Tuner.restore`, which is not used: leave a blank one.
        return tune.Callback, ()

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = _trial_id(trial)
        self.epochs[trial_id].clear()  # of a failed attempt
        self.started[trial_id] = time.time()
        self.progress.started(trial_id)

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        trial_id = _trial_id(trial)
        if "epoch" in result:
            epoch = EpochRecord(**result["epoch"])
            self.epochs[trial_id].append(epoch)
            self.progress.epoch(trial_id, epoch)
        elif "outcome" in result:
            self.outcomes[trial_id] = result["outcome"]
        elif "error" in result:
            self.errors[trial_id] = result["error"]

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = _trial_id(trial)
        self.progress.retried(trial_id, self.errors.pop(trial_id, "its process died"))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = _trial_id(trial)
        if trial_id not in self.outcomes:
            return  # stopped from outside, as by Ctrl-C
        folder = Path(trial.checkpoint.path)
        self._enter(
            TrialRecord(
                **self._identity(trial_id),
                **self.outcomes[trial_id],
                status="complete",
                error=None,
                attempts=1 + trial.num_failures,
                files={},
            ),
            files={
                f"models/{trial_id}.safetensors": folder / MODEL_FILE,
                f"predictions/{trial_id}.npz": folder / PREDICTIONS_FILE,
            },
            look="chosen in advance, at its best val epoch",
        )
        shutil.rmtree(folder, ignore_errors=True)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = _trial_id(trial)
        epochs, started = self.epochs[trial_id], self.started[trial_id]
        best = max(epochs, key=lambda epoch: epoch.val_macro_f1, default=None)
        self._enter(
            TrialRecord(
                **self._identity(trial_id),
                status="failed",
                stop_reason="error",
                error=self.errors.get(trial_id, "its process died"),
                attempts=trial.num_failures,
                epochs=len(epochs),
                best_epoch=best.epoch if best else None,
                started_at=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
                duration_s=time.time() - started,
                device=None,
                host=None,
                parameters=None,
                scores={},
                files={},
            ),
            files={},
            look=None,
        )

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        # Tune takes an exception raised in the hooks above for a failure of the trial.
        if self.fault is not None:
            raise self.fault

    def _identity(self, trial_id: str) -> dict[str, Any]:
        planned = self.planned[trial_id]
        return {
            "id": planned.id,
            "configuration": planned.configuration,
            "config": planned.config,
            "fingerprint": self.ledger.study.fingerprint,
        }

    def _enter(self, record: TrialRecord, *, files: dict[str, Path], look: str | None) -> None:
        try:
            entered = self.ledger.enter(
                record, epochs=self.epochs.pop(record.id, []), files=files, look=look
            )
            self.progress.ended(entered)
        except StudyError as error:
            self.fault = error
