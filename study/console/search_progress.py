"""What one sees while a search runs: a few lines that renew themselves, plain lines elsewhere."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from reports.analysis import search_trials
from reports.format.text import data_words, settings
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read
from reports.ledger.records import EpochRecord, PlannedTrial, SearchRecord, TrialRecord
from study.console.format import WIDE, duration, live, percent, plain_table

LINES = 12
"""Of a terminal: for all but the running trials."""

NARROW = 44
"""Columns that the table takes without the settings."""

SHOWN = 5
"""Trials in the table of a search without a confirmation."""


@dataclass(slots=True)
class _Running:
    """A trial that runs, as shown."""

    name: str
    settings: str
    epoch: int = 0
    best: float = 0.0
    counted: int = 0


class SearchProgress:
    """Follows a search's trials and shows them until it is left.

    Args:
        search: its settings.
        console: where to; lines that renew themselves if it is a terminal, else a line an event.
        spent_s: in the search before it was interrupted, in seconds.
    """

    def __init__(self, search: SearchRecord, console: Console, *, spent_s: float = 0) -> None:
        self._search = search
        self._console = console
        self._running: dict[str, _Running] = {}
        self._ended: Counter[str] = Counter()
        self._epochs = 0
        self._values: dict[str, tuple[float, str]] = {}
        self._last = ""
        self._began = time.monotonic() - spent_s
        self._live = live(console, self.view)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def proposed(self, planned: PlannedTrial) -> None:
        """A trial is about to begin."""
        name = planned.id.rpartition("-")[0]
        words = settings(planned.config)
        if planned.configuration != name:
            words = f"{planned.configuration}: {words}"
        self._running[planned.id] = _Running(name, words)
        self._line(f"{name}: {words}")

    def started(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""
        row = self._running[trial_id]
        row.epoch, row.best = 0, 0.0

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool = False) -> None:
        """A trial finished an epoch, or goes on from a state that has it behind it."""
        row = self._running[trial_id]
        row.epoch, row.best = epoch.epoch, max(row.best, epoch.val_macro_f1)
        self._epochs += not again or epoch.epoch > row.counted
        row.counted = max(row.counted, epoch.epoch)
        self._values[trial_id] = (row.best, f"{row.name}, {row.settings}")

    def retried(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again."""
        self._say(f"{self._running[trial_id].name}: failed, is tried again ({reason})")

    def past(self, record: TrialRecord, epochs: Sequence[EpochRecord]) -> None:
        """A trial ended before the search was interrupted."""
        self._ended[search_trials.state(record)] += 1
        self._epochs += len(epochs)
        if epochs and record.error is None:
            name = record.id.rpartition("-")[0]
            best = max(epoch.val_macro_f1 for epoch in epochs)
            self._values[record.id] = (best, f"{name}, {settings(record.config)}")

    def ended(self, record: TrialRecord) -> None:
        """A trial is in the ledger."""
        row = self._running.pop(record.id)
        state = search_trials.state(record)
        self._ended[state] += 1
        words = f"{row.name}: {state} after {plural(record.epochs, 'epoch')}"
        if record.error is not None:
            self._values.pop(record.id, None)
            self._say(f"{words} ({record.error})")
            return
        self._last = f"{words}, {percent(row.best)} %"
        self._line(f"{self._last}; best so far {percent(self._best[0])} %")

    @property
    def _best(self) -> tuple[float, str]:
        """The highest value so far, and whose it is."""
        return max(self._values.values(), default=(0.0, ""))

    def view(self) -> Group:
        """The search as it stands now."""
        lines = [self._heading(), self._best_line(), self._effort()]
        if self._last:
            lines.append(f"Last: {self._last}")
        return Group(
            *(Text(line.replace(" %", "\N{NO-BREAK SPACE}%")) for line in lines), self._table()
        )

    def _heading(self) -> str:
        total = sum(self._ended.values())
        states = [f"{self._ended[s]} {s}" for s in search_trials.STATES if self._ended[s]]
        said = ": " + ", ".join(states) if states else ""
        passed = duration(time.monotonic() - self._began)
        return f"{total} of {self._search.trials} trials ended after {passed}{said}"

    def _best_line(self) -> str:
        value, words = self._best
        if not words:
            return "Best so far: none yet"
        return f"Best so far: {percent(value)} % val macro F1, {words}"

    def _effort(self) -> str:
        total, spent = sum(self._ended.values()), self._epochs
        running = sum(row.epoch for row in self._running.values())
        saved = total * self._search.max_epochs - (spent - running)
        words = f"{plural(spent, 'epoch')} trained, {saved} saved"
        left = self._left_s()
        return words if left is None else f"{words}. About {duration(left)} left"

    def _left_s(self) -> float | None:
        """Until the last trial or the end of the budget, at the pace so far; None at first."""
        total, passed = sum(self._ended.values()), time.monotonic() - self._began
        if not total:
            return None
        left = (self._search.trials - total) * passed / total
        budget = self._search.time_budget_s
        return left if budget is None else max(0.0, min(left, budget - passed))

    def _table(self) -> Table:
        wide = self._console.width >= WIDE
        table = plain_table("")
        table.title = None
        for heading in ("running", "epoch", "next rung", "val macro F1"):
            if wide or heading != "next rung":
                right = heading != "running"
                table.add_column(heading, no_wrap=True, justify="right" if right else "left")
        if wide:
            # Cut to what is left: rich would shrink the other columns as well.
            left = self._console.width - NARROW
            table.add_column("settings", no_wrap=True, overflow="ellipsis", max_width=left)
        fit = max(1, self._console.height - LINES)
        for row in list(self._running.values())[:fit]:
            rung = next((level for level in self._search.rungs if level > row.epoch), None)
            cells = [
                row.name,
                f"{row.epoch}/{self._search.max_epochs}",
                "end" if rung is None else str(rung),
                f"{percent(row.best)} %" if row.epoch else "",
                row.settings,
            ]
            table.add_row(*(cells if wide else (cells[0], cells[1], cells[3])))
        return table

    def _line(self, text: str) -> None:
        if not self._live.is_started:
            self._say(text)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def closing_table(ledger: Ledger) -> Table:
    """What the search found, as the terminal shows it at the end: confirmed, where it was."""
    evidence = read(ledger)
    data = data_words(ledger.study.data).short
    if evidence.search is not None and not evidence.study.trials:
        return _not_confirmed(search_trials.trials(evidence.search), data)
    table = plain_table(f"Macro F1 in %, as the search found it and confirmed. {data}")
    table.add_column("configuration", no_wrap=True)
    for heading in ("seeds", "search, val", "confirmed, val", "test"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in search_trials.confirmed(evidence).to_dict("records"):
        table.add_row(
            row["configuration"],
            f"{row['seeds']}",
            *(
                percent(row[key], row.get(f"{key}_sd", math.nan))
                for key in ("value", "val", "test")
            ),
        )
    return table


def _not_confirmed(frame: pd.DataFrame, data: str) -> Table:
    table = plain_table(f"Best val macro F1 in %, not confirmed. {data}")
    table.add_column("trial", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("settings")
    best = frame[frame["value"].notna()].sort_values("value", ascending=False, kind="stable")
    for row in best.head(SHOWN).to_dict("records"):
        table.add_row(row["configuration"], percent(row["value"]), settings(row))
    return table
