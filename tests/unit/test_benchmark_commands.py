"""The benchmark of commands: what it measures of a process, and what it makes of that."""

import pytest

from tests.benchmarks.commands import run_command, summarize


def test_run_command_measures_lines_end_and_memory() -> None:
    times = run_command("--version")
    assert [line.split()[0] for _, line in times.lines] == ["bloodstudy"]
    assert 0 < times.first_line_s <= times.total_s
    assert times.peak_bytes > 2**20


def test_run_command_failure_raises() -> None:
    with pytest.raises(AssertionError, match="nope"):
        run_command("status", "nope")


def test_summarize_is_the_median_with_its_bar() -> None:
    figure = summarize("x", [3.0, 1.0, 2.0], at_most=1.5)
    assert (figure.value, figure.unit, figure.is_met) == (2.0, "s", False)
    assert figure.detail == "3 rounds, 1.00 to 3.00"
