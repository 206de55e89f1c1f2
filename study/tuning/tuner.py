"""Run trials with Ray Tune: the trials of a plan, or the proposals of a search."""

import itertools
import secrets
import textwrap
from collections.abc import Sequence
from contextlib import closing

from ray import tune
from ray.exceptions import RayError
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ResourceError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.storage.temp_folder import open_temp_folder
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.states import EndReason, StopReason
from study.configs.study_config import StudyConfig
from study.runtime.resources import compute_max_parallel_trials, compute_reachable_trials
from study.runtime.session import RAY_LOG
from study.runtime.tune_internals import patch_tune
from study.runtime.watchdog import Heartbeat
from study.tuning.failures import FailureTracker
from study.tuning.ledger_callback import LedgerCallback
from study.tuning.ledger_writer import LedgerWriter
from study.tuning.listeners import SearchListener, TrialListener
from study.tuning.search_run import SearchRun
from study.tuning.stalls import StallCallback
from study.tuning.tune_adapters import (
    AshaScheduler,
    PendingFirstScheduler,
    PlanSearcher,
    ProposalSearcher,
    SearchStopper,
    get_trial_id,
    make_resource_request,
    prepare_specs,
)
from study.tuning.worker import run_trial

MAX_RETRIES = 3
"""Number of times that a trial is retried from its last checkpoint before it counts as failed."""

FAMILIES_BY_DURATION = ("resnet", "cnn", "mlnn")
"""Families of networks, with the longest trials first."""

MAX_RUNS = 4
"""Number of times that Tune is run if it ends trials without a result."""


def run_trials(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    trials: Sequence[PlannedTrial],
    *,
    test_reason: str,
    listener: TrialListener,
    heartbeat: Heartbeat,
) -> None:
    """Train each planned trial that is not in the ledger, and evaluate it once on test.

    Ray must be running.

    Args:
        config: Settings of the study, for its resources.
        cells: Data to train on.
        ledger: Ledger of the study.
        trials: Planned trials.
        test_reason: Reason why the trials are evaluated on test.
        listener: Listener that is notified of the progress.
        heartbeat: Heartbeat of the trials.

    Raises:
        StudyError: The ledger cannot be written, or Ray failed. Trials that had ended are in the
            ledger.
    """
    for n_runs in itertools.count():
        remaining_trials = [trial for trial in trials if ledger.read_trial(trial) is None]
        if not remaining_trials:
            ledger.files.remove(CHECKPOINT_DIR)
            return
        if n_runs == MAX_RUNS:
            raise make_lost_trials_error(ledger)
        make_spec = prepare_specs(
            ledger,
            write_probe_file(ledger),
            evaluate_test=True,
            n_slots=compute_reachable_trials(config),
        )
        specs = [make_spec(trial) for trial in _sort_longest_first(remaining_trials)]
        with LedgerWriter(ledger) as writer:
            callback = LedgerCallback(
                writer,
                listener,
                software_sha256=ledger.current_software.sha256,
                heartbeat=heartbeat,
                failures=FailureTracker(_get_largest_resources(config)),
                test_reason=test_reason,
            )
            _run_tuner(
                config,
                cells,
                ledger,
                callback,
                listener,
                searcher=PlanSearcher(specs),
                scheduler=PendingFirstScheduler(),
                n_trials=len(specs),
                max_concurrent=_limit_concurrency(config) or len(specs),
            )


def run_proposals(
    config: StudyConfig,
    cells: BloodCells,
    search_run: SearchRun,
    *,
    listener: SearchListener,
    heartbeat: Heartbeat,
) -> EndReason | None:
    """Train the proposals of a search until ASHA stops them, on train and val only.

    Ray must be running.

    Args:
        config: Settings of the study, for its resources.
        cells: Data to train on.
        search_run: Search that proposes the trials.
        listener: Listener that is notified of proposals and of the progress.
        heartbeat: Heartbeat of the trials.

    Returns:
        Reason why the search ended; None if Tune ended trials without a result, so that another
        `SearchRun` has to continue.

    Raises:
        StudyError: As in `run_trials`.
    """
    ledger = search_run.ledger
    with closing(search_run), LedgerWriter(ledger) as writer:
        callback = LedgerCallback(
            writer,
            listener,
            software_sha256=ledger.current_software.sha256,
            heartbeat=heartbeat,
            failures=FailureTracker(_get_largest_resources(config)),
            search_run=search_run,
        )
        if search_run.end_reason is not None:
            # An earlier run was interrupted while it recorded the trials that the end had stopped.
            make_spec = prepare_specs(ledger, probe_file="", evaluate_test=False)
            for planned in search_run.list_unfinished_proposals():
                listener.on_proposal(planned)
                callback.add_unstarted(make_spec(planned))
        elif search_run.n_remaining > 0:
            _run_search_tuner(config, cells, search_run, callback, writer=writer, listener=listener)
        if search_run.end_reason is not None:
            callback.record_unfinished(StopReason(search_run.end_reason))
        elif search_run.n_running > 0:
            return None
    ledger.files.remove(CHECKPOINT_DIR)
    return search_run.end_reason or EndReason.TRIALS


def make_lost_trials_error(ledger: Ledger) -> ResourceError:
    """Return the error that Tune has ended trials without a result `MAX_RUNS` times."""
    return ResourceError(
        f"Ray ended trials without a result {MAX_RUNS} times in a row",
        path=str(ledger.location / RAY_LOG),
    )


def write_probe_file(ledger: Ledger) -> str:
    """Write an empty file by which a worker recognizes the driver's storage.

    Returns:
        Name of the file in the study's folder.

    Raises:
        ResourceError: The folder cannot be written.
    """
    name = f"{CHECKPOINT_DIR}/.{secrets.token_hex(8)}"
    ledger.files.write(name, b"")
    return name


def _run_search_tuner(
    config: StudyConfig,
    cells: BloodCells,
    search_run: SearchRun,
    callback: LedgerCallback,
    *,
    writer: LedgerWriter,
    listener: SearchListener,
) -> None:
    """Run Tune with the proposals of a search, under ASHA, until the search ends."""
    ledger, capacity = search_run.ledger, config.max_concurrent
    if config.address is None:  # no node joins or leaves
        capacity = compute_max_parallel_trials(config)
    _run_tuner(
        config,
        cells,
        ledger,
        callback,
        listener,
        searcher=ProposalSearcher(
            search_run,
            make_spec=prepare_specs(
                ledger,
                write_probe_file(ledger),
                evaluate_test=False,
                n_slots=compute_reachable_trials(config),
            ),
            add_proposal=writer.add_proposal,
            # Trials that wait for nodes make the autoscaler start them.
            get_capacity=lambda: capacity or compute_reachable_trials(config),
            on_proposal=listener.on_proposal,
            on_error=callback.fail,
        ),
        scheduler=AshaScheduler(search_run),
        n_trials=search_run.n_remaining,
        max_concurrent=search_run.search.n_trials,  # the searcher checks the capacity
        stopper=SearchStopper(search_run),
    )


def _run_tuner(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    callback: LedgerCallback,
    listener: TrialListener,
    *,
    searcher: Searcher,
    scheduler: TrialScheduler,
    n_trials: int,
    max_concurrent: int,
    stopper: tune.Stopper | None = None,
) -> None:
    patch_tune()
    # `with_parameters` puts the data into Ray's object store: once per node, shared by its trials.
    trainable = tune.with_resources(
        tune.with_parameters(run_trial, cells=cells), make_resource_request(config)
    )
    try:
        # Tune's own files are discarded, because the ledger has everything.
        with open_temp_folder() as temp_folder:
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    # A new process per trial would import torch each time (about two seconds).
                    reuse_actors=True,
                    trial_name_creator=get_trial_id,
                    trial_dirname_creator=get_trial_id,
                    search_alg=searcher,
                    scheduler=scheduler,
                    num_samples=n_trials,
                    max_concurrent_trials=max_concurrent,
                ),
                run_config=tune.RunConfig(
                    name="trials",
                    storage_path=str(temp_folder),
                    failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
                    callbacks=[callback, StallCallback(listener, config.stall_timeout_s)],
                    stop=stopper,
                    verbose=0,
                ),
            )
            tuner.fit()
    except (OSError, RayError, tune.TuneError) as error:
        if callback.error is not None:
            raise callback.error from error
        # Tune's message is a traceback, whose last line has the reason.
        reason = textwrap.shorten(str(error).strip().rpartition("\n")[2], 200)
        raise ResourceError(
            f"Ray stopped with an error: {reason}", remedy=f"see {ledger.location / RAY_LOG}"
        ) from error


def _get_largest_resources(config: StudyConfig) -> dict[str, float]:
    """Return the resources of a trial of the family that takes most of a GPU."""
    return {"CPU": config.cpus_per_trial, "GPU": max(config.gpu_shares)}


def _limit_concurrency(config: StudyConfig) -> int | None:
    """Return how many trials of a plan are pending or running at the same time; None for all.

    On a cluster, all trials are pending at once, so that the autoscaler sees the demand and new
    nodes are used. On one host, this has no benefit.
    """
    return config.max_concurrent if config.address else compute_max_parallel_trials(config)


def _sort_longest_first(trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """Return the trials with slow networks first, so that a long trial does not run last by itself.

    A residual network, which may need a whole GPU, then finds one that no other trial uses.
    """
    return sorted(trials, key=lambda trial: FAMILIES_BY_DURATION.index(trial.config["family"]))
