"""Run a study: open it, start Ray, train, confirm a search, and write the report."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from bloodnets.data.medmnist import BloodCells
from reports.format.data_warnings import describe_duplicates
from reports.format.text import make_data_label
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.states import EndReason, TrialState
from reports.ledger.upgrade import upgrade_study
from study.configs.search_space import count_retrained_trials
from study.configs.study_config import GridConfig, SearchConfig
from study.console.data_warnings import print_data_warnings
from study.console.grid_progress import EndedTrials, GridProgress
from study.console.phase import show_phase
from study.console.report_link import print_report_path
from study.console.search_progress import SearchProgress
from study.lifecycle.data_check import check_data
from study.lifecycle.file_check import check_study_files
from study.lifecycle.resume import open_study
from study.lifecycle.search_duration import compute_elapsed_search_s
from study.lifecycle.status import format_ended_count, is_unfinished
from study.lifecycle.study_record import make_study_record
from study.lifecycle.trial_resources import describe_trial_resources, resolve_gpu_shares
from study.runtime.lock import keep_locked
from study.runtime.resources import compute_max_parallel_trials
from study.runtime.signals import InterruptHandler, StudyInterruptedError
from study.runtime.watchdog import Heartbeat
from study.tuning.confirmation import plan_confirmation
from study.tuning.search_run import SearchRun
from study.tuning.training_session import (
    TrainingSession,
    format_resume_hint,
    open_training_session,
)


def run_study(
    config: GridConfig | SearchConfig,
    cells: BloodCells,
    *,
    command: tuple[str, ...],
    resume: bool,
    allow_code_change: bool = False,
    quiet: bool,
) -> bool:
    """Run all trials of a grid, or a search and its confirmation, and write the report.

    Args:
        config: Settings of the study.
        cells: Data to train on.
        command: Words of the command line, recorded in the ledger.
        resume: Whether to resume an existing study.
        allow_code_change: Whether a study may be resumed with different software.
        quiet: Whether to print only the report's path.

    Returns:
        Whether every trial is complete or pruned, and at least one has a val macro F1.

    Raises:
        StudyError: The study could not start, or its folder cannot be written.
        StudyInterruptedError: Ctrl-C or SIGTERM was received; ended trials are in the ledger.
    """
    config = resolve_gpu_shares(config, cells)
    phases = Console(stderr=True, quiet=quiet)
    with show_phase(phases, "checking data and software …"):
        requested = make_study_record(config, cells, command)
        check_data(config, cells)
    with (
        open_study(
            config.location,
            requested,
            resume=resume,
            allow_code_change=allow_code_change,
            has_default_name=config.has_default_name,
        ) as ledger,
        _explain_interrupts(ledger, config.address),
    ):
        console = Console(quiet=quiet, highlight=False)
        _print_heading(ledger, console)
        if resume:
            with show_phase(phases, "checking the files of the study …"):
                notes = check_study_files(ledger)
            console.print(f"{format_ended_count(ledger)}.", *notes, sep="\n", markup=False)
        if not resume or is_unfinished(ledger):
            with (
                _upgrade(ledger),
                open_training_session(config, ledger, resume=resume, quiet=quiet) as session,
            ):
                for line in describe_trial_resources(config):
                    session.terminal.print(line, markup=False, highlight=False, soft_wrap=True)
                if isinstance(config, GridConfig):
                    _run_grid(config, cells, ledger, session)
                else:
                    _run_search(config, cells, ledger, session)
                    _run_confirmation(config, cells, ledger, session)
        with show_phase(phases, "writing the report …"):
            table = _write_report(ledger, cells)
        console.print(table)
        report_path = ledger.location / "report/index.html"
        print_report_path(report_path, label="" if quiet else "Report: ")
        return _has_succeeded(ledger)


@contextmanager
def _upgrade(ledger: Ledger) -> Iterator[None]:
    """Rewrite a study of an older version of the format, and keep it locked in the context."""
    if ledger.files.is_current:
        yield
        return
    upgrade_study(ledger)
    with keep_locked(ledger.location):
        yield


def _has_succeeded(ledger: Ledger) -> bool:
    """Return whether all trials have ended, none failed, and a search has a value to show."""
    records = ledger.read_trials()
    return (
        not is_unfinished(ledger)
        and all(record.state is not TrialState.FAILED for record in records)
        and any(record.best_epoch is not None and record.error is None for record in records)
    )


def _print_heading(ledger: Ledger, console: Console) -> None:
    study = ledger.study
    if study.search is None:
        trial_count = format_count(len(study.trials), "trial")
    else:
        trial_count = f"at most {format_count(study.search.n_trials, 'trial')}"
    data = make_data_label(study.data).short
    console.print(f"{ledger.location.name}: {trial_count}. {data}", markup=False)
    console.print(f"Plan: SHA-256 {study.fingerprint}", markup=False, soft_wrap=True)
    if study.data.dropped is not None:
        console.print(f"Identical images: {describe_duplicates(study.data)}", markup=False)
    print_data_warnings(study.data, quiet=console.quiet)


def _run_grid(
    config: GridConfig, cells: BloodCells, ledger: Ledger, session: TrainingSession
) -> None:
    reason = "chosen in advance, at its best val epoch"
    _run_planned_trials(config, cells, ledger, session, ledger.study.trials, test_reason=reason)


def _run_search(
    config: SearchConfig, cells: BloodCells, ledger: Ledger, session: TrainingSession
) -> None:
    """Run a search until it ends, and then plan the confirmation."""
    if ledger.read_confirmation() is not None:
        return
    start_time = time.monotonic()
    ended_trials = _load_ended_trials(ledger, ledger.read_proposals())
    earlier_s = compute_elapsed_search_s([record for record, _ in ended_trials])
    search_run = SearchRun(ledger, config.search, elapsed_s=earlier_s)
    n_slots = min(compute_max_parallel_trials(config), config.search.n_trials)
    with SearchProgress(
        config.search,
        session.terminal,
        elapsed_s=earlier_s,
        n_slots=n_slots,
        n_retrained=count_retrained_trials(config.search),
    ) as progress:
        for record, epochs in ended_trials:
            progress.add_ended_trial(record, epochs)
        search_run, ended_by = _run_proposals(
            config, cells, search_run, progress, session.heartbeat
        )
    confirmation = plan_confirmation(
        search_run,
        ended_by=ended_by,
        duration_s=earlier_s + time.monotonic() - start_time,
        concurrency=n_slots,
    )
    ledger.set_confirmation(confirmation)


def _run_proposals(
    config: SearchConfig,
    cells: BloodCells,
    search_run: SearchRun,
    progress: SearchProgress,
    heartbeat: Heartbeat,
) -> tuple[SearchRun, EndReason]:
    """Run a search to its end; continue from the ledger if Tune ended trials without a result."""
    from study.tuning.tuner import MAX_RUNS, make_lost_trials_error, run_proposals

    ledger = search_run.ledger
    for _ in range(MAX_RUNS):
        ended_by = run_proposals(config, cells, search_run, listener=progress, heartbeat=heartbeat)
        if ended_by is not None:
            return search_run, ended_by
        elapsed_s = compute_elapsed_search_s(ledger.read_trials())
        search_run = SearchRun(ledger, config.search, elapsed_s=elapsed_s)
    raise make_lost_trials_error(ledger)


def _run_confirmation(
    config: SearchConfig, cells: BloodCells, ledger: Ledger, session: TrainingSession
) -> None:
    """Re-train the best configurations of a search with seeds that it did not use."""
    confirmation = ledger.read_confirmation()
    if confirmation is None or not confirmation.trials:
        return
    trials, n_seeds = confirmation.trials, config.search.retrain_seeds
    session.terminal.print(
        f"The search has ended. Re-training "
        f"{format_count(len(trials) // n_seeds, 'configuration')} with "
        f"{format_count(n_seeds, 'new seed')}: {format_count(len(trials), 'trial')}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    reason = "chosen by the search on val only, for confirmation"
    _run_planned_trials(config, cells, ledger, session, trials, test_reason=reason)


def _run_planned_trials(
    config: GridConfig | SearchConfig,
    cells: BloodCells,
    ledger: Ledger,
    session: TrainingSession,
    trials: Sequence[PlannedTrial],
    *,
    test_reason: str,
) -> None:
    from study.tuning.tuner import run_trials

    ended_trials = _load_ended_trials(ledger, trials)
    # The trials with the largest share of a GPU take longest, so they determine the time left.
    n_slots = compute_max_parallel_trials(replace(config, gpus_per_trial=max(config.gpu_shares)))
    with GridProgress(
        trials, session.terminal, ended_trials=ended_trials, n_slots=n_slots
    ) as progress:
        run_trials(
            config,
            cells,
            ledger,
            trials,
            test_reason=test_reason,
            listener=progress,
            heartbeat=session.heartbeat,
        )


def _load_ended_trials(ledger: Ledger, trials: Sequence[PlannedTrial]) -> EndedTrials:
    """Return the records of the trials that have ended, each with its epochs."""
    records = [record for trial in trials if (record := ledger.read_trial(trial)) is not None]
    return [(record, ledger.read_epochs(record.id)) for record in records]


def _write_report(ledger: Ledger, cells: BloodCells) -> Table:
    """Write the report, and return its summary table for the terminal."""
    from reports.page.publish import write_analysis
    from reports.sections.findings import analyze
    from study.console.summary import make_summary_table

    analysis = analyze(ledger, cells.test.images)
    write_analysis(analysis, ledger.folder / "report")
    ledger.files.upload("report")
    if ledger.files.has_log:
        ledger.log.add_report()
    return make_summary_table(analysis)


@contextmanager
def _explain_interrupts(ledger: Ledger, address: str | None) -> Iterator[None]:
    """Convert Ctrl-C and SIGTERM to an error with the ended trials and the resume command."""
    with InterruptHandler() as interrupts:
        try:
            yield
        except KeyboardInterrupt:
            error = StudyInterruptedError(
                f"interrupted; {format_ended_count(ledger)}", interrupts.signal_number
            )
            raise error.with_remedy(format_resume_hint(ledger, address)) from None
