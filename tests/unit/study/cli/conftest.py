"""The command `bloodstudy`, run in this process."""

import signal
from collections.abc import Iterator

import pytest

from tests.helpers.cli_runs import Outcome, RunMain, run_command


@pytest.fixture
def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunMain]:
    """Return a function that runs the command with the given words."""
    handler = signal.getsignal(signal.SIGINT)

    def run(*words: object) -> Outcome:
        return run_command(words, monkeypatch, capsys)

    yield run
    signal.signal(signal.SIGINT, handler)
