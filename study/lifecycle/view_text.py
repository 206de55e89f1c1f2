"""Describe the view of a running study in lines and a table, for the terminal."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from reports.format.text import format_settings, make_data_label
from reports.ledger.progress import ProgressState, TrialProgress
from reports.ledger.states import TrialState
from study.console.format import (
    format_clock,
    format_percent,
    format_time_left,
    make_plain_table,
    make_printable,
)
from study.lifecycle.status import MAX_LISTED_TRIALS
from study.lifecycle.study_view import StudyView

RESERVED_LINES = 12
"""Lines of a terminal reserved for all but the running trials."""

_STAGE_LABELS = {1: ("trials",), 2: ("search", "re-training")}


def describe_counts(view: StudyView) -> str:
    """Return the ended trials by state and the running ones, in one line."""
    parts = []
    for label, stage in zip(_STAGE_LABELS[len(view.stages)], view.stages, strict=True):
        counts = Counter(str(trial.state) for trial in stage.trials if trial.state.has_ended)
        n_planned = len(stage.trials) + stage.n_unplanned
        states = ", ".join(f"{counts[state]} {state}" for state in TrialState if counts[state])
        if n_planned:
            note = f" ({states})" if states else ""
            parts.append(f"{label}: {counts.total()} of {n_planned} ended{note}")
    n_running = sum(trial.state is ProgressState.RUNNING for trial in view.trials)
    if view.is_running:
        parts.append(f"{n_running} running")
    return "; ".join(parts)


def describe_best(view: StudyView) -> str:
    """Return the best val macro F1 so far and its trial; "none yet" before the first epoch."""
    trial = view.best_trial
    if trial is None or trial.best_epoch is None:
        return "none yet"
    value = f"{format_percent(trial.best_epoch.val_macro_f1)}% val macro F1"
    return f"{value}, {describe_trial(view, trial)}, epoch {trial.best_epoch.epoch}"


def describe_trial(view: StudyView, trial: TrialProgress) -> str:
    """Return the name of a trial, for a search with its hyper-parameters."""
    if view.study.search is None:
        return trial.name
    return f"{trial.name}: {format_settings(trial.planned.config)}"


def describe_activity(view: StudyView) -> str:
    """Return whether a process runs the study, and how to resume it otherwise."""
    if view.has_ended:
        return "All trials have ended."
    if not view.is_running:
        return f"No process is running this study. Resume it with: {view.resume_command}"
    if all(trial.state.has_ended for trial in view.trials):
        return "Running: preparing the next trials or writing the report."
    return "Running."


def format_view_lines(view: StudyView) -> Iterator[str]:
    """Yield the lines above the table of running trials."""
    yield f"{view.study.name}: {view.study.kind}, {make_data_label(view.study.data).short}"
    yield describe_counts(view) + format_time_left(view.time_left_s)
    yield f"best so far: {describe_best(view)}"
    for trial in view.failed_trials[-MAX_LISTED_TRIALS:]:
        yield f"failed: {trial.name}: {make_printable(trial.error or '')}"
    if not view.is_running:
        yield describe_activity(view)


def build_view(view: StudyView, console: Console, problem: str | None) -> Group:
    """Return what a terminal shows.

    Args:
        view: View of the study.
        console: Terminal, whose height limits the table.
        problem: Reason why the last reading failed; None if it did not.
    """
    lines = [Text(line) for line in format_view_lines(view)]
    if problem:
        lines.append(Text(problem))
    table = _build_table(view, console.height - RESERVED_LINES)
    note = Text(
        f"Read at {view.read_at.astimezone():%H:%M:%S}. Ctrl-C ends this view, not the study.",
        style="dim",
    )
    return Group(*lines, *([table] if table.row_count else []), note)


def _build_table(view: StudyView, max_rows: int) -> Table:
    """Return the running trials, with the epochs of their last checkpoints."""
    table = make_plain_table("")
    table.title = None
    for heading in ("running", "epoch", "val macro F1", "best", "elapsed"):
        is_number = heading != "running"
        table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
    running = [trial for trial in view.trials if trial.state is ProgressState.RUNNING]
    for trial in running[: max(1, max_rows)]:
        table.add_row(trial.name, *format_epoch_cells(trial), format_clock(trial.elapsed_s))
    return table


def format_epoch_cells(trial: TrialProgress) -> tuple[str, str, str]:
    """Return the last epoch of a trial, its val macro F1 and the best one; empty without one."""
    best_epoch, max_epochs = trial.best_epoch, trial.planned.config["max_epochs"]
    if best_epoch is None:
        return "", "", ""
    last_epoch = trial.epochs[-1]
    return (
        f"{last_epoch.epoch}/{max_epochs}",
        f"{format_percent(last_epoch.val_macro_f1)}%",
        f"{format_percent(best_epoch.val_macro_f1)}%",
    )
