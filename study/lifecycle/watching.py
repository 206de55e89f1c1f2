"""Follow a study until it ends: in the terminal, and on a live page."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, Group

from bloodnets.errors import ResourceError
from bloodnets.storage.local import write_atomic
from bloodnets.storage.location import RemotePath
from reports.format.text import format_settings, make_data_label
from reports.format.units import format_duration
from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressReader, ProgressState, TrialProgress
from reports.page.live_page import LivePage, LiveTrial, render_live_page
from study.console.format import format_clock, format_time_left, make_live_display
from study.lifecycle.status import REPORT_FILE, format_status_lines
from study.lifecycle.study_view import StudyView, read_study_view
from study.lifecycle.view_text import (
    build_view,
    describe_activity,
    describe_best,
    describe_counts,
    format_epoch_cells,
)

INTERVAL_S = 3
"""Seconds between two readings of a study in a folder."""

REMOTE_INTERVAL_S = 15
"""Seconds between two readings of a study in object storage, where each takes many requests."""

_STATE_ORDER = (ProgressState.RUNNING, ProgressState.FAILED)
"""States of the trials that the live page shows first; the others keep the order of the plan."""


def watch_study(
    open_ledger: Callable[[], Ledger], *, page: Path | None = None, console: Console | None = None
) -> None:
    """Show a study until it ends; its files are only read.

    A terminal shows a view that is refreshed in place. Other outputs get a line per change.

    Args:
        open_ledger: Function that opens the ledger of the study.
        page: Path of a page that is written at each refresh; None for no page. If the study has
            already ended, no page is written.
        console: Console to print to; None for standard output.

    Raises:
        StudyError: The study cannot be read, or the page cannot be written. While the study is
            watched, a storage that does not respond is shown and read again.
    """
    console = console or Console(highlight=False)
    watcher = _Watcher(open_ledger, console, page)
    if not watcher.view.has_ended:
        if page is not None:
            watcher.write_page()
            console.print(f"Live page: {page.resolve().as_uri()}", soft_wrap=True, markup=False)
        watcher.follow()
    for line in format_status_lines(open_ledger()):
        console.print(line, soft_wrap=True, markup=False)


class _Watcher:
    """Reader of a study that shows what it read.

    Attributes:
        view: View that was read last.
    """

    def __init__(
        self, open_ledger: Callable[[], Ledger], console: Console, page: Path | None
    ) -> None:
        self._open_ledger, self._console, self._page = open_ledger, console, page
        self._reader = ProgressReader()
        self._problem: str | None = None
        self._last_text = ""
        self.view = self._read()
        is_remote = isinstance(self.view.location, RemotePath)
        self._interval_s = REMOTE_INTERVAL_S if is_remote else INTERVAL_S

    def follow(self) -> None:
        """Show the study until it ends."""
        try:
            if self._console.is_terminal:
                with make_live_display(self._console, self._build_view):
                    self._read_until_end()
            else:
                self._read_until_end()
        finally:
            self.write_page(is_last=True)

    def write_page(self, *, is_last: bool = False) -> None:
        """Write the page, if there is one.

        Args:
            is_last: Whether the page is not written again.

        Raises:
            ResourceError: The page cannot be written.
        """
        if self._page is None:
            return
        refresh_s = None if is_last else self._interval_s
        content = render_live_page(make_live_page(self.view, self._problem, refresh_s))
        try:
            write_atomic(self._page, content.encode())
        except OSError as error:
            raise ResourceError(
                f"cannot write {self._page}: {error.strerror or error}",
                path=str(self._page),
                remedy="choose another --output",
            ) from error

    def _read(self) -> StudyView:
        return read_study_view(self._open_ledger(), self._reader, datetime.now(UTC))

    def _read_until_end(self) -> None:
        while not self.view.has_ended:
            if not self._console.is_terminal:
                self._print_change()
            time.sleep(self._interval_s)
            try:
                self.view, self._problem = self._read(), None
            except ResourceError as error:
                self._problem = str(error)
            self.write_page()

    def _build_view(self) -> Group:
        return build_view(self.view, self._console, self._problem)

    def _print_change(self) -> None:
        """Print a line, unless only the time has changed."""
        view = self.view
        counts, best = describe_counts(view), f"best so far: {describe_best(view)}"
        others = [best, *([] if view.is_running else [describe_activity(view)])]
        others += [self._problem] if self._problem else []
        text = "; ".join([counts, *others])
        if text != self._last_text:
            self._last_text = text
            clock, left = (
                f"{view.read_at.astimezone():%H:%M:%S}",
                format_time_left(view.time_left_s),
            )
            line = "; ".join([f"{clock} {counts}{left}", *others])
            self._console.print(line, soft_wrap=True, markup=False)


def make_live_page(view: StudyView, problem: str | None, refresh_s: int | None) -> LivePage:
    """Return the contents of the live page.

    Args:
        view: View of the study.
        problem: Reason why the last reading failed; None if it did not.
        refresh_s: Seconds between two refreshes; None if the page is not written again.
    """
    left_s = view.time_left_s
    facts = [
        ("Progress", describe_counts(view)),
        ("Best so far", describe_best(view)),
        ("Time left", "unknown" if left_s is None else f"about {format_duration(left_s)}"),
        ("Created", view.study.created_at),
        ("Folder", str(view.location)),
        *([("Problem", problem)] if problem else []),
    ]
    trials = sorted(view.trials, key=_get_rank)
    return LivePage(
        name=view.study.name,
        kind=view.study.kind,
        data=make_data_label(view.study.data),
        activity=describe_activity(view),
        facts=facts[:2] + facts[3:] if view.has_ended else facts,
        n_ended=sum(trial.state.has_ended for trial in trials),
        n_planned=len(trials) + sum(stage.n_unplanned for stage in view.stages),
        progress=sum(map(_compute_trained_share, trials)),
        failures=[f"{trial.name}: {trial.error}" for trial in view.failed_trials],
        trials=[_make_live_trial(view, trial) for trial in trials],
        read_at=view.read_at,
        refresh_s=refresh_s,
        report=REPORT_FILE if view.has_ended and view.has_report else None,
    )


def _compute_trained_share(trial: TrialProgress) -> float:
    """Return the share of the epochs that a trial has trained, 0 to 1; 1 if it has ended."""
    if trial.state.has_ended:
        return 1.0
    return len(trial.epochs) / float(trial.planned.config["max_epochs"])


def _get_rank(trial: TrialProgress) -> int:
    return _STATE_ORDER.index(trial.state) if trial.state in _STATE_ORDER else len(_STATE_ORDER)


def _make_live_trial(view: StudyView, trial: TrialProgress) -> LiveTrial:
    epoch, last, best = format_epoch_cells(trial)
    is_waiting = trial.state is ProgressState.WAITING
    return LiveTrial(
        name=trial.name,
        settings=format_settings(trial.planned.config) if view.study.search else "",
        state=trial.state,
        epoch=epoch,
        last=last,
        best=best,
        values=[epoch.val_macro_f1 for epoch in trial.epochs],
        max_epochs=trial.planned.config["max_epochs"],
        elapsed="" if is_waiting else format_clock(trial.elapsed_s),
    )
