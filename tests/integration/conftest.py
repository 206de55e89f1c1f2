"""Fixtures shared by the integration tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli_runs import Outcome, RunMain

RunIn = Callable[..., Outcome]


@pytest.fixture
def run_in(run_main: RunMain, monkeypatch: pytest.MonkeyPatch) -> RunIn:
    """Return a function that runs `bloodstudy` in a folder, in this process to import only once."""

    def run(folder: Path, *words: str | Path) -> Outcome:
        monkeypatch.chdir(folder)
        return run_main(*words)

    return run
