"""Run the command in this process, to its end or up to the study that it would run."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from study.cli.main import app, main
from study.configs.study_config import GridConfig, SearchConfig


class Outcome(NamedTuple):
    """Exit code and output of a command.

    Attributes:
        code: Exit code.
        stdout: Text that it printed to standard output.
        stderr: Text that it printed to standard error.
    """

    code: int
    stdout: str
    stderr: str


RunMain = Callable[..., Outcome]


def run_command(
    words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Outcome:
    """Run `bloodstudy` with the given arguments."""
    monkeypatch.setattr(sys, "argv", ["bloodstudy", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return Outcome(caught.value.code, *capsys.readouterr())


def parse_config(
    words: list[str], storage_root: Path, monkeypatch: pytest.MonkeyPatch
) -> GridConfig | SearchConfig:
    """Return the settings of the study that `grid` or `search` would run; no data are loaded."""
    configs: list[GridConfig | SearchConfig] = []

    def run_study(config: GridConfig | SearchConfig, *_: object, **__: object) -> bool:
        configs.append(config)
        return True

    monkeypatch.setattr("study.tuning.run.run_study", run_study)
    monkeypatch.setattr("study.cli.data_options.DataOptions.load", lambda *_, **__: None)
    CliRunner().invoke(app, [*words, "--storage", str(storage_root)], catch_exceptions=False)
    return configs[0]
