"""What one sees while a study runs: a live table in a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.table import Table

from reports.analysis.frames import comparison
from reports.format.text import data_words
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read
from reports.ledger.records import EpochRecord, PlannedTrial, TrialRecord
from study.console.format import WIDE, clock, duration, live, percent, plain_table

_STYLES = {"waiting": "dim", "running": "cyan", "complete": "green", "failed": "bold red"}


@dataclass(slots=True)
class _Row:
    """The state of one trial, as shown."""

    max_epochs: int
    status: str = "waiting"
    last: EpochRecord | None = None
    duration_s: float = 0.0
    began: float = 0.0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began if self.status == "running" else self.duration_s

    @property
    def left_s(self) -> float | None:
        """Seconds to `max_epochs`, which early stopping may spare; None if not yet known."""
        if self.status != "running" or self.last is None:
            return None
        return (self.max_epochs - self.last.epoch) * self.elapsed_s / self.last.epoch


_COLUMNS = {
    "trial": "trial",
    "status": "status",
    "epoch": "epoch",
    "loss": "train loss",
    "f1": "val macro F1",
    "time": "time",
    "left": "left at most",
}
_WIDE_ONLY = ("loss", "time", "left")

MARGIN_LINES = 6
"""Lines of a terminal that the table leaves to its heading and to what stands above it."""


Past = Sequence[tuple[TrialRecord, EpochRecord | None]]


class Progress:
    """Follows a study's trials and shows them until it is left.

    Args:
        trials: the plan.
        console: where to; a table that renews itself if it is a terminal, else a line an event.
        past: those of the trials that had ended before, each with its last epoch.
    """

    def __init__(
        self, trials: Sequence[PlannedTrial], console: Console, *, past: Past = ()
    ) -> None:
        self._rows = {trial.id: _Row(trial.config["max_epochs"]) for trial in trials}
        for record, last in past:
            row = self._rows[record.id]
            row.status, row.duration_s, row.last = record.status, record.duration_s, last
        self._console = console
        self._began = time.monotonic()
        self._live = live(console, self.table)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""
        row = self._rows[trial_id]
        row.status, row.last = "running", None
        row.began = time.monotonic()
        self._line(f"{trial_id}: started")

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool = False) -> None:
        """A trial finished an epoch, or goes on from a state that has it behind it."""
        row = self._rows[trial_id]
        row.last = epoch
        if again:
            row.began -= epoch.duration_s
            return
        self._line(
            f"{trial_id}: epoch {epoch.epoch}/{row.max_epochs}, "
            f"train loss {epoch.train_loss:.4f}, val macro F1 {100 * epoch.val_macro_f1:.2f} %"
        )

    def retried(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again."""
        self._rows[trial_id].status = "waiting"
        self._say(f"{trial_id}: failed, is tried again ({reason})")

    def ended(self, record: TrialRecord) -> None:
        """A trial is in the ledger."""
        row = self._rows[record.id]
        row.status, row.duration_s = record.status, record.duration_s
        if record.status == "failed":
            self._say(f"{record.id}: failed ({record.error})")
        else:
            self._line(
                f"{record.id}: {record.status} after {plural(record.epochs, 'epoch')} in "
                f"{duration(record.duration_s)} ({record.stop_reason})"
            )

    def table(self) -> Table:
        """The trials as they stand now: all of them, or the running ones if they are too many."""
        done = sum(row.status in ("complete", "failed") for row in self._rows.values())
        table = plain_table(
            f"{done} of {len(self._rows)} trials done after "
            f"{duration(time.monotonic() - self._began)}"
        )
        wide = self._console.width >= WIDE
        for name, heading in _COLUMNS.items():
            if wide or name not in _WIDE_ONLY:
                words = name in ("trial", "status")
                table.add_column(heading, no_wrap=True, justify="left" if words else "right")
        all_fit = len(self._rows) + MARGIN_LINES <= self._console.height
        for trial_id, row in self._rows.items():
            if all_fit or row.status == "running":
                cells = _cells(trial_id, row)
                table.add_row(*(cells[n] for n in _COLUMNS if wide or n not in _WIDE_ONLY))
        return table

    def _line(self, text: str) -> None:
        if not self._live.is_started:
            self._say(text)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _cells(trial_id: str, row: _Row) -> dict[str, str]:
    last = row.last
    return {
        "trial": trial_id.rpartition("-")[0],
        "status": f"[{_STYLES[row.status]}]{row.status}[/]",
        "epoch": f"{last.epoch}/{row.max_epochs}" if last else "",
        "loss": f"{last.train_loss:.4f}" if last else "",
        "f1": f"{100 * last.val_macro_f1:.2f} %" if last else "",
        "time": clock(row.elapsed_s) if row.status != "waiting" else "",
        "left": clock(row.left_s) if row.left_s is not None else "",
    }


def closing_table(ledger: Ledger) -> Table:
    """The comparison of the configurations, on test, as the terminal shows it at the end."""
    frame = comparison(read(ledger), None)
    published = "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any()
    table = plain_table(f"Scores on test in %. {data_words(ledger.study.data).short}")
    table.add_column("configuration", no_wrap=True)
    # "published F1" is the weighted one; with it the table is as wide as a terminal usually is.
    headings = ("seeds", "accuracy", "macro F1", "weighted F1")
    for heading in (*headings, "published F1") if published else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in frame.to_dict("records"):
        table.add_row(
            row["configuration"],
            f"{row['seeds']:.0f}",
            *(
                percent(row[score], row[f"{score}_sd"])
                for score in ("test_accuracy", "test_macro_f1", "test_weighted_f1")
            ),
            *([percent(row["published_weighted_f1"])] if published else []),
        )
    return table
