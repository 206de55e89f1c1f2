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
from bloodnets.errors import ResourceError
from bloodnets.storage.backends import TEMP_PREFIX
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.trainable import run_trial
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import EndReason, StopReason
from study.configs.study_config import StudyConfig
from study.runtime.resources import compute_max_parallel_trials
from study.runtime.session import RAY_LOG
from study.tuning.ledger_callback import LedgerCallback, get_trial_id
from study.tuning.listeners import SearchListener, TrialListener
from study.tuning.optuna_study import OptunaProposer
from study.tuning.parameters import make_trial_parameters
from study.tuning.schedulers import AshaScheduler, PendingFirstScheduler
from study.tuning.searchers import PlanSearcher, ProposalSearcher, UnstartedTrial
from study.tuning.stoppers import SearchStopper

MAX_RETRIES = 3
"""How often a failed trial goes on from its last state before it counts as failed."""


def run_trials(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    trials: Sequence[PlannedTrial],
    *,
    test_reason: str,
    listener: TrialListener,
) -> None:
    """Train each planned trial that is not in the ledger, and evaluate it once on test.

    Ray must be running.

    Args:
        config: resources.
        cells: the data.
        ledger: where the trials are entered.
        trials: the plan.
        test_reason: why they are evaluated on test.
        listener: is told how they go.

    Raises:
        StudyError: the ledger could not be written, or Ray gave up; the trials entered so far
            are in the ledger.
    """
    callback = LedgerCallback(ledger, [listener], test_reason=test_reason)
    remaining_trials = [trial for trial in trials if ledger.read_trial(trial) is None]
    if remaining_trials:
        probe_file = write_probe_file(ledger)
        parameters = [
            make_trial_parameters(ledger, trial, probe_file=probe_file, evaluate_test=True)
            for trial in _sort_longest_first(remaining_trials)
        ]
        _run_tuner(
            config,
            cells,
            ledger,
            callback,
            tune_config={
                "search_alg": PlanSearcher(parameters),
                "scheduler": PendingFirstScheduler(),
                "num_samples": len(remaining_trials),
                "max_concurrent_trials": _limit_concurrency(config) or len(remaining_trials),
            },
            stopper=None,
        )
    ledger.storage.remove(CHECKPOINT_DIR)


def run_proposals(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    search: SearchRecord,
    *,
    listener: SearchListener,
    elapsed_s: float = 0,
) -> EndReason:
    """Train what Optuna proposes, as long as ASHA lets it, on train and val alone.

    Args:
        config: resources.
        cells: the data.
        ledger: where proposals and trials are entered.
        search: what to draw from, and how.
        listener: is told what is proposed, and how the trials go.
        elapsed_s: of the time budget, in seconds, before the search was interrupted.

    Returns:
        What ended it.

    Raises:
        StudyError: as in `run_trials`.
    """
    proposer = OptunaProposer(ledger, search)
    stop_reasons: dict[str, StopReason] = {}
    callback = LedgerCallback(ledger, [proposer, listener], stop_reasons=stop_reasons)
    stopper = SearchStopper(search, elapsed_s)
    ended_records = ledger.read_trials()
    if (reason := find_early_end_reason(ended_records)) is not None:
        # It was interrupted while the trials that its end overtook were entered.
        for _ in range(len(ledger.read_proposals()) - len(ended_records)):
            planned = proposer.propose()
            listener.on_proposal(planned)
            parameters = make_trial_parameters(ledger, planned, probe_file="", evaluate_test=False)
            callback.tune_trials[planned.id] = UnstartedTrial({"trial": parameters})
        stopper.reason = reason
    elif len(ended_records) < search.n_trials:
        _run_tuner(
            config,
            cells,
            ledger,
            callback,
            tune_config={
                "search_alg": ProposalSearcher(
                    proposer,
                    listener,
                    callback,
                    probe_file=write_probe_file(ledger),
                    get_capacity=lambda: (
                        config.max_concurrent or compute_max_parallel_trials(config)
                    ),
                ),
                "scheduler": AshaScheduler(proposer.rungs, stop_reasons),
                "num_samples": search.n_trials - len(ended_records),
                # `ProposalSearcher` knows when there is room
                "max_concurrent_trials": search.n_trials,
            },
            stopper=stopper,
        )
    if stopper.reason is not None:
        callback.record_unfinished(StopReason(stopper.reason))
    ledger.storage.remove(CHECKPOINT_DIR)
    return stopper.reason or EndReason.TRIALS


def write_probe_file(ledger: Ledger) -> str:
    """Leave a mark in the study's folder, by which a worker knows that it sees the same folder.

    Returns:
        Its name.

    Raises:
        ResourceError: the folder cannot be written.
    """
    name = f"{CHECKPOINT_DIR}/.{secrets.token_hex(8)}"
    try:
        ledger.storage.write(name, b"")
    except OSError as error:
        raise ResourceError(f"cannot write {ledger.location / name}: {error}") from error
    return name


def find_early_end_reason(ended_records: Sequence[TrialRecord]) -> EndReason | None:
    """What ended a search, if its trials say that something other than their number did."""
    stop_reasons = {record.stop_reason.value for record in ended_records}
    early_reasons = (EndReason.TIME_BUDGET, EndReason.TARGET_MACRO_F1)
    return next((reason for reason in early_reasons if reason in stop_reasons), None)


def _run_tuner(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    callback: LedgerCallback,
    *,
    tune_config: dict[str, Any],
    stopper: tune.Stopper | None,
) -> None:
    resources = {"cpu": config.cpus_per_trial, "gpu": config.gpus_per_trial or 0}
    # `with_parameters` puts the data into Ray's object store: once a node, shared by its trials.
    trainable = tune.with_resources(tune.with_parameters(run_trial, cells=cells), resources)
    try:
        # What Tune keeps for itself is of no use: everything that counts is in the ledger.
        with tempfile.TemporaryDirectory(prefix=f"{TEMP_PREFIX}{os.getpid()}-") as temp_folder:
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    # A fresh process a trial would import torch each time: some two seconds.
                    reuse_actors=True,
                    trial_name_creator=get_trial_id,
                    trial_dirname_creator=get_trial_id,
                    **tune_config,
                ),
                run_config=tune.RunConfig(
                    name="trials",
                    storage_path=temp_folder,
                    failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
                    callbacks=[callback],
                    stop=stopper,
                    verbose=0,
                ),
            )
            tuner.fit()
    except (OSError, RayError, tune.TuneError) as error:
        if callback.error is not None:
            raise callback.error from error
        # Tune's own message is a traceback: its end says what happened.
        reason = textwrap.shorten(str(error).strip().rpartition("\n")[2], 200)
        raise ResourceError(
            f"Ray gave up: {reason}; more is in {ledger.location / RAY_LOG}"
        ) from error


def _limit_concurrency(config: StudyConfig) -> int | None:
    """Trials of a plan at once; None for as many as are planned.

    On a cluster all wait for room at the same time, so that its autoscaler sees what is wanted, and
    a machine that joins is used. On one machine nothing is gained by that.
    """
    return config.max_concurrent if config.address else compute_max_parallel_trials(config)


def _sort_longest_first(trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """CNNs first, so that no long trial is left to the end alone."""
    return sorted(trials, key=lambda trial: trial.config["family"] != "cnn")
