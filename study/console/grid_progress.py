"""Show the progress of a grid: a live table in a terminal, otherwise plain lines."""

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from reports.format.units import format_count, format_duration
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.progress import ProgressState, TrialProgress
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import TrialState
from study.console.format import (
    COLUMN_GAP,
    format_clock,
    format_time_left,
    make_live_display,
    make_plain_table,
)
from study.console.time_left import Pace, Stage, StageEstimate, estimate_time_left_s
from study.console.trial_row import TrialRow

_STYLES = {
    ProgressState.WAITING: "dim",
    ProgressState.RUNNING: "cyan",
    ProgressState.COMPLETE: "green",
    ProgressState.PRUNED: "yellow",
    ProgressState.FAILED: "bold red",
}


_COLUMNS = {
    "trial": "trial",
    "state": "state",
    "epoch": "epoch",
    "loss": "train loss",
    "f1": "val macro F1",
    "time": "elapsed",
    "left": "left",
}
_COLUMN_WIDTHS = {"state": 8, "epoch": 7, "loss": 10, "f1": 12, "time": 7, "left": 7}
_OPTIONAL_COLUMNS = ("loss", "left", "time")
"""Columns that are dropped, in this order, until the table fits the terminal."""

MARGIN_LINES = 7
"""Lines of a terminal reserved for the title, the header and the lines above the table."""

PROGRESS_INTERVAL_S = 1.0

EndedTrials = Sequence[tuple[TrialRecord, Sequence[EpochRecord]]]


class GridProgress:
    """Context manager that shows the progress of a grid's trials.

    Args:
        trials: Planned trials.
        console: Console to print to; a live table if it is a terminal, else one line per event.
        ended_trials: Trials that ended in earlier runs, each with its epochs.
        n_slots: Number of trials that run at the same time, at least 1.
    """

    def __init__(
        self,
        trials: Sequence[PlannedTrial],
        console: Console,
        *,
        ended_trials: EndedTrials = (),
        n_slots: int = 1,
    ) -> None:
        self._rows = {trial.id: TrialRow(trial) for trial in trials}
        for record, epochs in ended_trials:
            row = self._rows[record.id]
            row.state, row.duration_s = ProgressState(record.state), record.duration_s
            row.epochs = [*epochs]
        self._console, self._n_slots = console, n_slots
        self._start_time = time.monotonic()
        self._last_progress_time = float("-inf")
        self._live_display: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live_display = make_live_display(self._console, self.build_table)
            self._live_display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live_display is not None:
            self._live_display.stop()

    def on_trial_start(self, trial_id: str) -> None:
        """Show that an attempt of a trial starts."""
        self._rows[trial_id].start()
        self._print_event(f"{trial_id}: started")

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Show an epoch."""
        row = self._rows[trial_id]
        row.add_epoch(epoch, restored=restored)
        if not restored:
            self._print_event(
                f"{trial_id}: epoch {epoch.epoch}/{row.planned.config['max_epochs']}, "
                f"train loss {epoch.train_loss:.4f}, val macro F1 {100 * epoch.val_macro_f1:.2f}%"
            )

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Show that an attempt failed and the trial is retried."""
        self._rows[trial_id].state = ProgressState.WAITING
        self._print_line(f"{trial_id}: failed, retrying ({reason})")

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        """Show that a trial does not report."""
        self._print_line(f"{trial_id}: {reason}")

    def on_trial_end(self, record: TrialRecord) -> None:
        """Show how a trial ended."""
        row = self._rows[record.id]
        row.state, row.duration_s = ProgressState(record.state), record.duration_s
        if record.state is TrialState.FAILED:
            self._print_line(f"{record.id}: failed ({record.error})")
        else:
            self._print_event(
                f"{record.id}: {record.state} after {format_count(record.epochs, 'epoch')} in "
                f"{format_duration(record.duration_s)} ({record.stop_reason})"
            )
        if self._live_display is None:
            self._print_progress()

    def build_table(self) -> Table:
        """Return the table of all trials, or of the running ones if not all rows fit."""
        stage = self._make_stage()
        estimate = StageEstimate(stage, Pace(stage.trials))
        table = make_plain_table(self._describe_progress(stage))
        column_names = self._select_columns()
        for name in column_names:
            is_text = name in ("trial", "state")
            table.add_column(_COLUMNS[name], no_wrap=True, justify="left" if is_text else "right")
        all_rows_fit = len(self._rows) + MARGIN_LINES <= self._console.height
        for trial in stage.trials:
            is_running = trial.state is ProgressState.RUNNING
            if all_rows_fit or is_running:
                left_s = estimate.compute_trial_s(trial) if is_running and trial.epochs else None
                row_cells = _format_cells(trial, left_s)
                table.add_row(*(row_cells[name] for name in column_names))
        return table

    def _make_stage(self) -> Stage:
        return Stage(trials=[row.make_progress() for row in self._rows.values()])

    def _describe_progress(self, stage: Stage) -> str:
        """Return how many trials have ended, and the time left of all."""
        n_ended = sum(trial.state.has_ended for trial in stage.trials)
        n_trials = format_count(len(stage.trials), "trial")
        elapsed = format_duration(time.monotonic() - self._start_time)
        left_s = estimate_time_left_s([stage], n_slots=self._n_slots)
        text = f"{n_ended} of {n_trials} ended after {elapsed}"
        return f"{text}{format_time_left(left_s)}" if n_ended < len(stage.trials) else text

    def _select_columns(self) -> list[str]:
        """Return the names of the columns that fit the terminal."""
        names = [*_COLUMNS]
        width = max((len(row.make_progress().name) for row in self._rows.values()), default=0)
        width += sum(COLUMN_GAP + column_width for column_width in _COLUMN_WIDTHS.values())
        for name in _OPTIONAL_COLUMNS:
            if width <= self._console.width:
                break
            names.remove(name)
            width -= COLUMN_GAP + _COLUMN_WIDTHS[name]
        return names

    def _print_progress(self) -> None:
        """Print how many trials have ended, at most once per second and at the end.

        With 1,000 trials, the estimate of the time left takes 10 ms.
        """
        now = time.monotonic()
        has_ended = all(row.state.has_ended for row in self._rows.values())
        if has_ended or now - self._last_progress_time >= PROGRESS_INTERVAL_S:
            self._last_progress_time = now
            self._print_line(self._describe_progress(self._make_stage()))

    def _print_event(self, text: str) -> None:
        if self._live_display is None and not self._console.quiet:
            self._console.file.write(f"{text}\n")  # `Console.print` would take 0.1 ms
            self._console.file.flush()

    def _print_line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _format_cells(trial: TrialProgress, left_s: float | None) -> dict[str, str]:
    last_epoch = trial.epochs[-1] if trial.epochs else None
    max_epochs = trial.planned.config["max_epochs"]
    return {
        "trial": trial.name,
        "state": f"[{_STYLES[trial.state]}]{trial.state}[/]",
        "epoch": f"{last_epoch.epoch}/{max_epochs}" if last_epoch else "",
        "loss": f"{last_epoch.train_loss:.4f}" if last_epoch else "",
        "f1": f"{100 * last_epoch.val_macro_f1:.2f}%" if last_epoch else "",
        "time": format_clock(trial.elapsed_s) if trial.state is not ProgressState.WAITING else "",
        "left": format_clock(left_s) if left_s is not None else "",
    }
