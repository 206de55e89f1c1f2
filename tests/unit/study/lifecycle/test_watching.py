"""A study is watched until it ends."""

import io
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressReader, ProgressState
from study.console.time_left import Stage
from study.lifecycle.status import format_status_lines
from study.lifecycle.study_view import read_study_view
from study.lifecycle.watching import make_live_page, watch_study
from tests.helpers.grid_builder import build_grid, make_published_matrices

NAMES = ("mlnn-config-1", "cnn-config-1")


@pytest.fixture
def finish(tmp_path: Path) -> Callable[[object], None]:
    """Return a function that ends the last trial of the study `s`."""
    ledger = build_grid(tmp_path / "s", {name: make_published_matrices()[name] for name in NAMES})
    record = ledger.folder / f"trials/{ledger.study.trials[-1].id}.json"
    content = record.read_bytes()
    record.unlink()

    def write_record(_: object) -> None:
        record.write_bytes(content)

    return write_record


def watch(folder: Path, *, page: Path | None = None, is_terminal: bool = False) -> str:
    """Return what was printed until the study ended."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=80, highlight=False)
    watch_study(lambda: Ledger(folder), page=page, console=console)
    return file.getvalue()


def test_watch_study_in_a_pipe_prints_a_line_per_change(
    tmp_path: Path, finish: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def sleep(seconds: object) -> None:
        calls.append(seconds)
        if len(calls) == 3:
            finish(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    first, *others = watch(tmp_path / "s").splitlines()
    assert "1 of 2 ended" in first
    assert others == [*format_status_lines(Ledger(tmp_path / "s"))]


def test_watch_study_in_a_terminal_erases_its_view_and_leaves_the_status(
    tmp_path: Path, finish: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", finish)
    printed = watch(tmp_path / "s", is_terminal=True)
    assert "best so far" in printed  # only the view has this line
    status_lines = [*format_status_lines(Ledger(tmp_path / "s"))]
    assert "\x1b[2K" in printed  # erases a line
    assert printed.splitlines()[-len(status_lines) + 1 :] == status_lines[1:]


def test_watch_study_writes_the_page_until_the_study_ends(
    tmp_path: Path, finish: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, pages = tmp_path / "s/live.html", list[str]()

    def sleep(seconds: object) -> None:
        pages.append(page.read_text())
        finish(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    printed = watch(tmp_path / "s", page=page)
    assert page.as_uri() in printed.splitlines()[0]
    assert ["1 of 2 ended" in text for text in (*pages, page.read_text())] == [True, False]
    assert "not refreshed any more" in page.read_text()


@pytest.mark.parametrize("n_epochs", [0, 3])
def test_make_live_page_progress_counts_ended_trials_and_epochs(
    tmp_path: Path, n_epochs: int
) -> None:
    ledger = build_grid(tmp_path / "s", {name: make_published_matrices()[name] for name in NAMES})
    view = read_study_view(ledger, ProgressReader(), datetime.now(UTC))
    ended, other = view.trials
    running = replace(other, state=ProgressState.RUNNING, epochs=[ended.epochs[0]] * n_epochs)
    page = make_live_page(replace(view, stages=[Stage(trials=[ended, running])]), None, 3)
    assert page.n_ended == 1
    assert page.progress == 1 + n_epochs / other.planned.config["max_epochs"]


def test_watch_study_interrupted_page_says_that_it_is_not_refreshed(
    tmp_path: Path, finish: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    page = tmp_path / "live.html"
    with pytest.raises(KeyboardInterrupt):
        watch(tmp_path / "s", page=page)
    assert "not refreshed any more" in page.read_text()


def test_watch_study_that_has_ended_writes_nothing(
    tmp_path: Path, finish: Callable[[object], None]
) -> None:
    finish(None)
    before = sorted(tmp_path.rglob("*"))
    assert watch(tmp_path / "s", page=tmp_path / "s/live.html").splitlines() == [
        *format_status_lines(Ledger(tmp_path / "s"))
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_watch_study_storage_that_fails_for_a_moment_is_read_again(
    tmp_path: Path, finish: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    n_reads = 0

    def open_ledger() -> Ledger:
        nonlocal n_reads
        n_reads += 1
        if n_reads == 2:
            raise ResourceError("no network")
        if n_reads == 3:
            finish(None)
        return Ledger(tmp_path / "s")

    monkeypatch.setattr(time, "sleep", lambda _: None)
    file = io.StringIO()
    watch_study(open_ledger, console=Console(file=file, width=80))
    assert ["no network" in line for line in file.getvalue().splitlines()[:2]] == [False, True]


def test_watch_study_page_that_cannot_be_written_is_an_error(
    tmp_path: Path, finish: Callable[[object], None]
) -> None:
    with pytest.raises(ResourceError) as caught:
        watch(tmp_path / "s", page=tmp_path / "missing/live.html")
    assert caught.value.path == str(tmp_path / "missing/live.html")


def test_watch_study_removed_study_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConflictError):
        watch(tmp_path / "missing")
