"""The trace of first calls: what counts as a call and as a hop, and where a path ends."""

import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.benchmarks.trace import Trace, count_hops, select_calls, select_path
from tests.helpers.call_recorder import Call, Event, Recorder

OUTER = """
from traced import inner

def return_one():
    return 1

VALUE = return_one()

class Outer:
    field = [number for number in range(2)]

    def run(self):
        add_one = lambda value: inner.add_one(value)
        return self.end([add_one(number) for number in range(3)])

    def end(self, values):
        return sum(values)
"""
INNER = "def add_one(value):\n    return value + 1\n"

RUN, END = Call("traced/outer.py", "Outer.run"), Call("traced/outer.py", "Outer.end")
ADD_ONE, OTHER = Call("traced/inner.py", "add_one"), Call("a.py", "f")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package of two modules, one of which calls the other."""
    (tmp_path / "traced").mkdir()
    for name, source in (("__init__", ""), ("outer", OUTER), ("inner", INNER)):
        (tmp_path / "traced" / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"traced.{name}".removesuffix(".__init__"), raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def import_outer() -> ModuleType:
    return importlib.import_module("traced.outer")


def record(recorder: Recorder, function: Callable[[], object]) -> list[Event]:
    previous = sys.getprofile()
    sys.setprofile(recorder)
    try:
        function()
    finally:
        sys.setprofile(previous)
    return recorder.events


@pytest.mark.parametrize(
    ("files", "hops"), [("", 0), ("a", 0), ("aa", 0), ("abba", 2), ("abcb", 3)]
)
def test_count_hops_of_calls_counts_changes_of_file(files: str, hops: int) -> None:
    assert count_hops(Call(file, "f") for file in files) == hops


def test_recorder_of_two_modules_keeps_first_calls_of_functions_in_order(root: Path) -> None:
    outer = import_outer().Outer()
    events = record(Recorder(root, ["traced"], start="", end=""), outer.run)
    assert events == [Event("call", True, call) for call in (RUN, ADD_ONE, END)]


def test_recorder_of_an_import_keeps_no_call(root: Path) -> None:
    assert record(Recorder(root, ["traced"], start="", end=""), import_outer) == []


def test_recorder_of_other_package_keeps_no_call(root: Path) -> None:
    outer = import_outer().Outer()
    assert record(Recorder(root, ["other"], start="", end=""), outer.run) == []


def test_recorder_at_start_counts_first_calls_anew(root: Path) -> None:
    outer = import_outer()

    def add_and_run() -> None:
        outer.inner.add_one(1)
        outer.Outer().run()
        outer.Outer().run()

    recorder = Recorder(root, ["traced"], start="Outer.run", end="Outer.end")
    events = record(recorder, add_and_run)
    assert [(event.kind, event.call) for event in events] == [
        ("call", ADD_ONE),
        ("start", RUN),
        ("call", RUN),
        ("call", ADD_ONE),
        ("call", END),
        ("end", END),
        ("end", END),
    ]


def test_recorder_in_another_thread_says_so(root: Path) -> None:
    inner, recorder = import_outer().inner, Recorder(root, ["traced"], start="", end="")
    thread = threading.Thread(target=lambda: record(recorder, lambda: inner.add_one(1)))
    thread.start()
    thread.join()
    assert recorder.events == [Event("call", False, ADD_ONE)]


def test_select_calls_of_repeated_calls_returns_each_once() -> None:
    events = [Event("call", True, call) for call in (RUN, ADD_ONE, RUN)]
    assert select_calls([*events, Event("end", True, END)]) == [RUN, ADD_ONE]


@pytest.mark.parametrize(
    ("from_start", "to_last_end", "calls"),
    [
        (True, False, [RUN]),
        (True, True, [RUN, ADD_ONE]),
        (False, False, [OTHER, RUN]),
        (False, True, [OTHER, RUN, ADD_ONE]),
    ],
)
def test_select_path_between_ends_returns_calls(
    from_start: bool, to_last_end: bool, calls: list[Call]
) -> None:
    kinds = ("call", "end", "start", "call", "end", "call", "end", "call")
    all_calls = (OTHER, END, RUN, RUN, END, ADD_ONE, END, END)
    events = [Event(kind, True, call) for kind, call in zip(kinds, all_calls, strict=True)]
    assert select_path(events, from_start=from_start, to_last_end=to_last_end) == calls


@pytest.mark.parametrize("kind", ["start", "end"])
def test_select_path_without_start_or_end_exits(kind: str) -> None:
    with pytest.raises(SystemExit):
        select_path([Event(kind, True, RUN)], from_start=True, to_last_end=True)


@pytest.mark.parametrize(
    ("max_files", "max_hops", "is_met"),
    [(None, None, True), (2, 2, True), (1, 2, False), (2, 1, False)],
)
def test_trace_beyond_a_bound_is_not_met(
    max_files: int | None, max_hops: int | None, is_met: bool
) -> None:
    trace = Trace(name="", calls=[RUN, ADD_ONE, END], max_files=max_files, max_hops=max_hops)
    assert (trace.n_files, trace.n_hops, trace.is_met) == (2, 2, is_met)
