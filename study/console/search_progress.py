"""Show the progress of a search: a live view in a terminal, otherwise plain lines."""

import time
from collections import Counter
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
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.search_record import SearchRecord
from study.console.format import (
    format_percent,
    make_live_display,
    make_plain_table,
)

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
        name: Name of the trial.
        settings_text: Hyper-parameters.
        epoch: Last epoch of the current attempt; 0 before the first.
        best_value: Best val macro F1 so far, 0 to 1.
        counted_epochs: Number of epochs that are counted as trained.
    """

    name: str
    settings_text: str
    epoch: int = 0
    best_value: float = 0.0
    counted_epochs: int = 0


class SearchProgress:
    """Context manager that shows the progress of a search's trials.

    Args:
        search: Settings of the search.
        console: Console to print to; a live view if it is a terminal, else one line per event.
        elapsed_s: Duration of the search before it was interrupted, in seconds.
    """

    def __init__(self, search: SearchRecord, console: Console, *, elapsed_s: float = 0) -> None:
        self._search = search
        self._console = console
        self._running_trials: dict[str, _RunningTrial] = {}
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
        self._running_trials[planned.id] = _RunningTrial(name, settings_text)
        self._print_event(f"{name}: {settings_text}")

    def on_trial_start(self, trial_id: str) -> None:
        """Show that an attempt of a trial starts."""
        row = self._running_trials[trial_id]
        row.epoch, row.best_value = 0, 0.0

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Show an epoch."""
        row = self._running_trials[trial_id]
        row.epoch, row.best_value = epoch.epoch, best_val_macro_f1
        self._trained_epochs += not restored or epoch.epoch > row.counted_epochs
        row.counted_epochs = max(row.counted_epochs, epoch.epoch)
        self._best_values[trial_id] = (row.best_value, f"{row.name}, {row.settings_text}")

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Show that an attempt failed and the trial is retried."""
        self._print_line(f"{self._running_trials[trial_id].name}: failed, retrying ({reason})")

    def add_ended_trial(self, record: TrialRecord, best_value: float) -> None:
        """Count a trial of an earlier run.

        Args:
            record: Record of the trial.
            best_value: Best val macro F1 of the trial, 0 to 1.
        """
        self._end_counts[search_trials.get_trial_state(record)] += 1
        self._trained_epochs += record.epochs
        if record.epochs and record.error is None:
            name = record.id.rpartition("-")[0]
            self._best_values[record.id] = (best_value, f"{name}, {format_settings(record.config)}")

    def on_trial_end(self, record: TrialRecord) -> None:
        """Show how a trial ended."""
        row = self._running_trials.pop(record.id)
        state = search_trials.get_trial_state(record)
        self._end_counts[state] += 1
        event = f"{row.name}: {state} after {format_count(record.epochs, 'epoch')}"
        if record.error is not None:
            self._best_values.pop(record.id, None)
            self._print_line(f"{event} ({record.error})")
            return
        value = f"val macro F1 {format_percent(row.best_value)}%" if row.epoch else "no value"
        self._last_event = f"{event}, {value}"
        best = f"{format_percent(self._best_so_far[0])}%" if self._best_values else "none yet"
        self._print_event(f"{self._last_event}; best so far: {best}")

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
        remaining_s = self._estimate_remaining_s()
        return text if remaining_s is None else f"{text}. About {format_duration(remaining_s)} left"

    def _estimate_remaining_s(self) -> float | None:
        """Return the seconds to the end of the search at the current pace; None at first."""
        n_ended, elapsed_s = sum(self._end_counts.values()), time.monotonic() - self._start_time
        if not n_ended:
            return None
        remaining_s = (self._search.n_trials - n_ended) * elapsed_s / n_ended
        budget_s = self._search.time_budget_s
        return remaining_s if budget_s is None else max(0.0, min(remaining_s, budget_s - elapsed_s))

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
        if self._live_display is None:
            self._print_line(text)

    def _print_line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
