"""Show the progress of a grid: a live table in a terminal, otherwise plain lines."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from reports.format.units import format_count, format_duration
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import TrialState
from study.console.format import (
    COLUMN_GAP,
    format_clock,
    make_live_display,
    make_plain_table,
)


class RowState(StrEnum):
    """State of a trial while the study runs, as shown."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


_STYLES = {
    RowState.WAITING: "dim",
    RowState.RUNNING: "cyan",
    RowState.COMPLETE: "green",
    RowState.PRUNED: "yellow",
    RowState.FAILED: "bold red",
}


@dataclass(slots=True)
class _TrialRow:
    """Values of one trial in the table.

    Attributes:
        max_epochs: Maximum number of epochs.
        state: State of the trial.
        last_epoch: Last epoch of the current attempt; None before the first.
        duration_s: Duration of an ended trial, in seconds.
        start_time: `time.monotonic` at the start of the current attempt, in seconds.
    """

    max_epochs: int
    state: RowState = RowState.WAITING
    last_epoch: EpochRecord | None = None
    duration_s: float = 0.0
    start_time: float = 0.0

    @property
    def elapsed_s(self) -> float:
        return (
            time.monotonic() - self.start_time
            if self.state is RowState.RUNNING
            else self.duration_s
        )

    @property
    def remaining_s(self) -> float | None:
        """Seconds to `max_epochs` without early stopping, at the current pace; None if unknown."""
        if self.state is not RowState.RUNNING or self.last_epoch is None:
            return None
        return (self.max_epochs - self.last_epoch.epoch) * self.elapsed_s / self.last_epoch.epoch


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

MARGIN_LINES = 6
"""Lines of a terminal reserved for the title, the header and the lines above the table."""

EndedTrials = Sequence[tuple[TrialRecord, EpochRecord | None]]


class GridProgress:
    """Context manager that shows the progress of a grid's trials.

    Args:
        trials: Planned trials.
        console: Console to print to; a live table if it is a terminal, else one line per event.
        ended_trials: Trials that ended in earlier runs, each with its last epoch.
    """

    def __init__(
        self, trials: Sequence[PlannedTrial], console: Console, *, ended_trials: EndedTrials = ()
    ) -> None:
        self._rows = {trial.id: _TrialRow(trial.config["max_epochs"]) for trial in trials}
        for record, last_epoch in ended_trials:
            row = self._rows[record.id]
            row.state, row.duration_s, row.last_epoch = (
                RowState(record.state),
                record.duration_s,
                last_epoch,
            )
        self._console = console
        self._start_time = time.monotonic()
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
        row = self._rows[trial_id]
        row.state, row.last_epoch = RowState.RUNNING, None
        row.start_time = time.monotonic()
        self._print_event(f"{trial_id}: started")

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Show an epoch."""
        row = self._rows[trial_id]
        row.last_epoch = epoch
        if restored:
            row.start_time -= epoch.duration_s
            return
        self._print_event(
            f"{trial_id}: epoch {epoch.epoch}/{row.max_epochs}, "
            f"train loss {epoch.train_loss:.4f}, val macro F1 {100 * epoch.val_macro_f1:.2f}%"
        )

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Show that an attempt failed and the trial is retried."""
        self._rows[trial_id].state = RowState.WAITING
        self._print_line(f"{trial_id}: failed, retrying ({reason})")

    def on_trial_end(self, record: TrialRecord) -> None:
        """Show how a trial ended."""
        row = self._rows[record.id]
        row.state, row.duration_s = RowState(record.state), record.duration_s
        if record.state is TrialState.FAILED:
            self._print_line(f"{record.id}: failed ({record.error})")
        else:
            self._print_event(
                f"{record.id}: {record.state} after {format_count(record.epochs, 'epoch')} in "
                f"{format_duration(record.duration_s)} ({record.stop_reason})"
            )

    def build_table(self) -> Table:
        """Return the table of all trials, or of the running ones if not all rows fit."""
        n_ended = sum(
            row.state not in (RowState.WAITING, RowState.RUNNING) for row in self._rows.values()
        )
        table = make_plain_table(
            f"{n_ended} of {format_count(len(self._rows), 'trial')} ended after "
            f"{format_duration(time.monotonic() - self._start_time)}"
        )
        column_names = self._select_columns()
        for name in column_names:
            is_text = name in ("trial", "state")
            table.add_column(_COLUMNS[name], no_wrap=True, justify="left" if is_text else "right")
        all_rows_fit = len(self._rows) + MARGIN_LINES <= self._console.height
        for trial_id, row in self._rows.items():
            if all_rows_fit or row.state is RowState.RUNNING:
                row_cells = _format_cells(trial_id, row)
                table.add_row(*(row_cells[name] for name in column_names))
        return table

    def _select_columns(self) -> list[str]:
        """Return the names of the columns that fit the terminal."""
        names = [*_COLUMNS]
        width = max((len(_format_trial_name(trial_id)) for trial_id in self._rows), default=0)
        width += sum(COLUMN_GAP + column_width for column_width in _COLUMN_WIDTHS.values())
        for name in _OPTIONAL_COLUMNS:
            if width <= self._console.width:
                break
            names.remove(name)
            width -= COLUMN_GAP + _COLUMN_WIDTHS[name]
        return names

    def _print_event(self, text: str) -> None:
        if self._live_display is None:
            self._print_line(text)

    def _print_line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _format_trial_name(trial_id: str) -> str:
    return trial_id.rpartition("-")[0]


def _format_cells(trial_id: str, row: _TrialRow) -> dict[str, str]:
    last_epoch = row.last_epoch
    return {
        "trial": _format_trial_name(trial_id),
        "state": f"[{_STYLES[row.state]}]{row.state}[/]",
        "epoch": f"{last_epoch.epoch}/{row.max_epochs}" if last_epoch else "",
        "loss": f"{last_epoch.train_loss:.4f}" if last_epoch else "",
        "f1": f"{100 * last_epoch.val_macro_f1:.2f}%" if last_epoch else "",
        "time": format_clock(row.elapsed_s) if row.state is not RowState.WAITING else "",
        "left": format_clock(row.remaining_s) if row.remaining_s is not None else "",
    }
