"""Show the progress of a search: a live view in a terminal, otherwise plain lines."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from reports.analysis import search_trials
from reports.format.text import format_settings
from reports.format.units import format_count, format_duration
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.progress import ProgressState, TrialProgress, make_ended_progress
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.search_record import SearchRecord
from study.console.format import (
    format_percent,
    format_time_left,
    make_live_display,
    make_plain_table,
)
from study.console.time_left import Stage, estimate_time_left_s
from study.console.trial_row import TrialRow

FULL_WIDTH = 80
"""Width of a terminal, in characters, in which all columns of the table fit."""

RESERVED_LINES = 12
"""Lines of a terminal reserved for all but the running trials."""

FIXED_COLUMNS_WIDTH = 44
"""Width of the table without the settings, in characters."""


@dataclass(slots=True)
class _RunningTrial:
    """Values of a running trial in the table.

    Attributes:
        row: Progress of the trial.
        name: Name of the trial.
        settings_text: Hyper-parameters.
        best_value: Best val macro F1 so far, 0 to 1.
        counted_epochs: Number of epochs that are counted as trained.
    """

    row: TrialRow
    name: str
    settings_text: str
    best_value: float = 0.0
    counted_epochs: int = 0

    @property
    def epoch(self) -> int:
        """Last epoch of the current attempt; 0 before the first."""
        return self.row.epochs[-1].epoch if self.row.epochs else 0


class SearchProgress:
    """Context manager that shows the progress of a search's trials.

    Args:
        search: Settings of the search.
        console: Console to print to; a live view if it is a terminal, else one line per event.
        elapsed_s: Duration of the search before it was interrupted, in seconds.
        n_slots: Number of trials that run at the same time, at least 1.
        n_retrained: Number of trials with which the best configurations are re-trained.
    """

    def __init__(
        self,
        search: SearchRecord,
        console: Console,
        *,
        elapsed_s: float = 0,
        n_slots: int = 1,
        n_retrained: int = 0,
    ) -> None:
        self._search = search
        self._console = console
        self._n_slots, self._n_retrained = n_slots, n_retrained
        self._running_trials: dict[str, _RunningTrial] = {}
        self._ended_trials: list[TrialProgress] = []
        self._end_counts: Counter[str] = Counter()
        self._trained_epochs = 0
        self._best_values: dict[str, tuple[float, str]] = {}
        self._last_event = ""
        self._start_time = time.monotonic() - elapsed_s
        self._live_display: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live_display = make_live_display(self._console, self.build_view)
            self._live_display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live_display is not None:
            self._live_display.stop()

    def on_proposal(self, planned: PlannedTrial) -> None:
        """Show the settings of a proposed trial."""
        name = planned.id.rpartition("-")[0]
        settings_text = format_settings(planned.config)
        if planned.configuration != name:
            settings_text = f"{planned.configuration}: {settings_text}"
        self._running_trials[planned.id] = _RunningTrial(TrialRow(planned), name, settings_text)
        self._print_event(f"{name}: {settings_text}")

    def on_trial_start(self, trial_id: str) -> None:
        """Show that an attempt of a trial starts."""
        running = self._running_trials[trial_id]
        running.row.start()
        running.best_value = 0.0

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Show an epoch."""
        running = self._running_trials[trial_id]
        running.row.add_epoch(epoch, restored=restored)
        running.best_value = best_val_macro_f1
        self._trained_epochs += not restored or epoch.epoch > running.counted_epochs
        running.counted_epochs = max(running.counted_epochs, epoch.epoch)
        label = f"{running.name}, {running.settings_text}"
        self._best_values[trial_id] = (running.best_value, label)

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Show that an attempt failed and the trial is retried."""
        running = self._running_trials[trial_id]
        running.row.state = ProgressState.WAITING
        self._print_line(f"{running.name}: failed, retrying ({reason})")

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        """Show that a trial does not report."""
        self._print_line(f"{self._running_trials[trial_id].name}: {reason}")

    def add_ended_trial(self, record: TrialRecord, epochs: Sequence[EpochRecord]) -> None:
        """Count a trial of an earlier run.

        Args:
            record: Record of the trial.
            epochs: Epochs of the trial.
        """
        trial = make_ended_progress(record, epochs)
        self._ended_trials.append(trial)
        self._end_counts[search_trials.get_trial_state(record)] += 1
        self._trained_epochs += record.epochs
        if trial.best_epoch is not None and record.error is None:
            label = f"{trial.name}, {format_settings(record.config)}"
            self._best_values[record.id] = (trial.best_epoch.val_macro_f1, label)

    def on_trial_end(self, record: TrialRecord) -> None:
        """Show how a trial ended."""
        row = self._running_trials.pop(record.id)
        self._ended_trials.append(make_ended_progress(record, row.row.epochs))
        state = search_trials.get_trial_state(record)
        self._end_counts[state] += 1
        event = f"{row.name}: {state} after {format_count(record.epochs, 'epoch')}"
        if record.error is not None:
            self._best_values.pop(record.id, None)
            self._print_line(f"{event} ({record.error})")
            return
        value = f"val macro F1 {format_percent(row.best_value)}%" if row.epoch else "no value"
        self._last_event = f"{event}, {value}"
        if self._live_display is None:  # with 1,000 trials, the estimate takes 10 ms
            best = f"{format_percent(self._best_so_far[0])}%" if self._best_values else "none yet"
            left = format_time_left(self._estimate_time_left_s())
            self._print_event(f"{self._last_event}; best so far: {best}{left}")

    @property
    def _best_so_far(self) -> tuple[float, str]:
        """Best val macro F1 so far, 0 to 1, with the name and the settings of its trial."""
        return max(self._best_values.values(), default=(0.0, ""))

    def build_view(self) -> Group:
        """Return the current view of the search."""
        lines = [self._format_heading(), self._format_best(), self._format_effort()]
        if self._last_event:
            lines.append(f"Last: {self._last_event}")
        return Group(
            *(Text(line) for line in lines),
            self._build_table(),
        )

    def _format_heading(self) -> str:
        n_ended = sum(self._end_counts.values())
        state_counts = [
            f"{self._end_counts[s]} {s}"
            for s in search_trials.SearchTrialState
            if self._end_counts[s]
        ]
        suffix = ": " + ", ".join(state_counts) if state_counts else ""
        elapsed = format_duration(time.monotonic() - self._start_time)
        return f"{n_ended} of {self._search.n_trials} trials ended after {elapsed}{suffix}"

    def _format_best(self) -> str:
        value, trial_label = self._best_so_far
        if not trial_label:
            return "Best so far: none yet"
        return f"Best so far: {format_percent(value)}% val macro F1, {trial_label}"

    def _format_effort(self) -> str:
        n_ended, trained_epochs = sum(self._end_counts.values()), self._trained_epochs
        running_epochs = sum(row.epoch for row in self._running_trials.values())
        saved_epochs = n_ended * self._search.max_epochs - (trained_epochs - running_epochs)
        text = f"{format_count(trained_epochs, 'epoch')} trained, {saved_epochs} saved"
        return text + format_time_left(self._estimate_time_left_s())

    def _estimate_time_left_s(self) -> float | None:
        """Return the seconds to the end of the re-training; None before the first epoch."""
        search, elapsed_s = self._search, time.monotonic() - self._start_time
        running = [trial.row.make_progress() for trial in self._running_trials.values()]
        trials = [*self._ended_trials, *running]
        budget_s = float("inf") if search.time_budget_s is None else search.time_budget_s
        search_stage = Stage(
            trials=trials,
            n_unplanned=search.n_trials - len(trials),
            max_epochs=search.max_epochs,
            rungs=search.rungs,
            limit_s=max(0.0, budget_s - elapsed_s),
        )
        retraining = Stage(trials=(), n_unplanned=self._n_retrained, max_epochs=search.max_epochs)
        return estimate_time_left_s([search_stage, retraining], n_slots=self._n_slots)

    def _build_table(self) -> Table:
        is_full_width = self._console.width >= FULL_WIDTH
        table = make_plain_table("")
        table.title = None
        for heading in ("running", "epoch", "next rung", "val macro F1"):
            if is_full_width or heading != "next rung":
                is_number = heading != "running"
                table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
        if is_full_width:
            # Without a maximum width, rich would also shrink the other columns.
            settings_width = self._console.width - FIXED_COLUMNS_WIDTH
            table.add_column(
                "settings", no_wrap=True, overflow="ellipsis", max_width=settings_width
            )
        max_rows = max(1, self._console.height - RESERVED_LINES)
        for row in list(self._running_trials.values())[:max_rows]:
            next_rung = next((epoch for epoch in self._search.rungs if epoch > row.epoch), None)
            row_cells = [
                row.name,
                f"{row.epoch}/{self._search.max_epochs}",
                "end" if next_rung is None else str(next_rung),
                f"{format_percent(row.best_value)}%" if row.epoch else "",
                row.settings_text,
            ]
            table.add_row(
                *(row_cells if is_full_width else (row_cells[0], row_cells[1], row_cells[3]))
            )
        return table

    def _print_event(self, text: str) -> None:
        if self._live_display is None and not self._console.quiet:
            self._console.file.write(f"{text}\n")  # `Console.print` would take 0.1 ms
            self._console.file.flush()

    def _print_line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
