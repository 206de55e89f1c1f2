"""Run trials with Ray Tune: those of a plan, or those that a search proposes as it goes."""

import os
import secrets
import tempfile
import textwrap
from collections.abc import Sequence
from typing import Any

from ray import tune
from ray.exceptions import RayError

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import MachineError
from bloodnets.storage.backends import PRIVATE
from bloodnets.storage.checkpoint_header import STATES
from bloodnets.trainable import run_trial
from reports.ledger.ledger import Ledger
from reports.ledger.records import EndReason, PlannedTrial, SearchRecord, StopReason, TrialRecord
from study.configs.study_config import StudyConfig
from study.runtime.resources import slots
from study.runtime.session import RAY_LOG
from study.tuning.ledger_callback import Follower, id_of
from study.tuning.listeners import Listener, SearchListener
from study.tuning.optuna_study import Searcher
from study.tuning.parameters import tune_parameters
from study.tuning.schedulers import Asha, InOrder
from study.tuning.searchers import Overtaken, Plan, Proposals
from study.tuning.stoppers import End, Overtaking

RETRIES = 3
"""How often a failed trial goes on from its last state before it counts as failed."""


def run_trials(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    trials: Sequence[PlannedTrial],
    *,
    look: str,
    progress: Listener,
) -> None:
    """Train each planned trial that is not in the ledger, and evaluate it once on test.

    Ray must be running.

    Args:
        config: resources.
        cells: the data.
        ledger: where the trials are entered.
        trials: the plan.
        look: why they are evaluated on test.
        progress: is told how they go.

    Raises:
        StudyError: the ledger could not be written, or Ray gave up; the trials entered so far
            are in the ledger.
    """
    follower = Follower(ledger, [progress], look=look)
    left = [trial for trial in trials if ledger.trial(trial) is None]
    if left:
        mark = marked(ledger)
        parameters = [
            tune_parameters(ledger, trial, mark=mark, look=True) for trial in _longest_first(left)
        ]
        _fit(
            config,
            cells,
            ledger,
            follower,
            tune_config={
                "search_alg": Plan(parameters),
                "scheduler": InOrder(),
                "num_samples": len(left),
                "max_concurrent_trials": _at_once(config) or len(left),
            },
            stop=None,
        )
    ledger.files.remove(STATES)


def run_proposals(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    search: SearchRecord,
    *,
    progress: SearchListener,
    spent_s: float = 0,
) -> EndReason:
    """Train what Optuna proposes, as long as ASHA lets it, on train and val alone.

    Args:
        config: resources.
        cells: the data.
        ledger: where proposals and trials are entered.
        search: what to draw from, and how.
        progress: is told what is proposed, and how the trials go.
        spent_s: of the time budget, in seconds, before the search was interrupted.

    Returns:
        What ended it.

    Raises:
        StudyError: as in `run_trials`.
    """
    searcher = Searcher(ledger, search)
    stopped: dict[str, StopReason] = {}
    follower = Follower(ledger, [searcher, progress], stopped=stopped)
    end = End(search, spent_s)
    past = ledger.trials()
    if (reason := ended_before(past)) is not None:
        # It was interrupted while the trials that its end overtook were entered.
        for _ in range(len(ledger.proposals()) - len(past)):
            planned = searcher.propose()
            progress.proposed(planned)
            parameters = tune_parameters(ledger, planned, mark="", look=False)
            follower.trials[planned.id] = Overtaken({"trial": parameters})
        end.reason = reason
    elif len(past) < search.trials:
        _fit(
            config,
            cells,
            ledger,
            follower,
            tune_config={
                "search_alg": Proposals(
                    searcher,
                    progress,
                    follower,
                    mark=marked(ledger),
                    room=lambda: config.max_concurrent or slots(config),
                ),
                "scheduler": Asha(searcher.rungs, stopped),
                "num_samples": search.trials - len(past),
                "max_concurrent_trials": search.trials,  # `Proposals` knows when there is room
            },
            stop=end,
        )
    if end.reason is not None:
        follower.stop_running(end.reason)
    ledger.files.remove(STATES)
    return end.reason or "trials"


def marked(ledger: Ledger) -> str:
    """Leave a mark in the study's folder, by which a worker knows that it sees the same folder.

    Returns:
        Its name.

    Raises:
        MachineError: the folder cannot be written.
    """
    name = f"{STATES}/.{secrets.token_hex(8)}"
    try:
        ledger.files.write(name, b"")
    except OSError as error:
        raise MachineError(f"cannot write {ledger.place / name}: {error}") from error
    return name


def ended_before(past: Sequence[TrialRecord]) -> Overtaking | None:
    """What ended a search, if its trials say that something other than their number did."""
    reasons: tuple[Overtaking, ...] = ("time_budget", "target_f1")
    found = {record.stop_reason for record in past}
    return next((reason for reason in reasons if reason in found), None)


def _fit(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    follower: Follower,
    *,
    tune_config: dict[str, Any],
    stop: tune.Stopper | None,
) -> None:
    resources = {"cpu": config.cpus_per_trial, "gpu": config.gpus_per_trial or 0}
    # `with_parameters` puts the data into Ray's object store: once a node, shared by its trials.
    trainable = tune.with_resources(tune.with_parameters(run_trial, cells=cells), resources)
    try:
        # What Tune keeps for itself is of no use: everything that counts is in the ledger.
        with tempfile.TemporaryDirectory(prefix=f"{PRIVATE}{os.getpid()}-") as storage:
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    # A fresh process a trial would import torch each time: some two seconds.
                    reuse_actors=True,
                    trial_name_creator=id_of,
                    trial_dirname_creator=id_of,
                    **tune_config,
                ),
                run_config=tune.RunConfig(
                    name="trials",
                    storage_path=storage,
                    failure_config=tune.FailureConfig(max_failures=RETRIES),
                    callbacks=[follower],
                    stop=stop,
                    verbose=0,
                ),
            )
            tuner.fit()
    except (OSError, RayError, tune.TuneError) as error:
        if follower.fault is not None:
            raise follower.fault from error
        # Tune's own message is a traceback: its end says what happened.
        reason = textwrap.shorten(str(error).strip().rpartition("\n")[2], 200)
        raise MachineError(f"Ray gave up: {reason}; more is in {ledger.place / RAY_LOG}") from error


def _at_once(config: StudyConfig) -> int | None:
    """Trials of a plan at once; None for as many as are planned.

    On a cluster all wait for room at the same time, so that its autoscaler sees what is wanted, and
    a machine that joins is used. On one machine nothing is gained by that.
    """
    return config.max_concurrent if config.address else slots(config)


def _longest_first(trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """CNNs first, so that no long trial is left to the end alone."""
    return sorted(trials, key=lambda trial: trial.config["family"] != "cnn")
