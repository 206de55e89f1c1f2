"""What the integration tests share."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.cli_runs import Outcome, run_command

RunIn = Callable[..., Outcome]


@pytest.fixture
def run_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[RunIn]:
    """Run `bloodstudy` in a folder with some words, in this process: the imports are made once."""
    handler = signal.getsignal(signal.SIGINT)

    def run(folder: Path, *words: str | Path) -> Outcome:
        monkeypatch.chdir(folder)
        return run_command(words, monkeypatch, capsys)

    yield run
    signal.signal(signal.SIGINT, handler)
