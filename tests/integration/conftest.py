"""What the integration tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli_runs import Outcome, RunMain

RunIn = Callable[..., Outcome]


@pytest.fixture
def run_in(run_main: RunMain, monkeypatch: pytest.MonkeyPatch) -> RunIn:
    """Run `bloodstudy` in a folder with some words, in this process: the imports are made once."""

    def run(folder: Path, *words: str | Path) -> Outcome:
        monkeypatch.chdir(folder)
        return run_main(*words)

    return run
