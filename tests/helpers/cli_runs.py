"""Run the command in this process, to its end or up to the study that it would run."""

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from study.cli.main import app, main
from study.configs.study_config import GridConfig, SearchConfig
from study.runtime.signals import list_signals
from tests.helpers.quick_figures import write_texts_of_figures


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

RunHere = Callable[..., subprocess.CompletedProcess[str]]


def run_command(
    words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Outcome:
    """Run `bloodstudy` with the given arguments."""
    monkeypatch.setattr(sys, "argv", ["bloodstudy", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return Outcome(caught.value.code, *capsys.readouterr())


def run_here(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in this process, in which Ray runs already.

    A process of its own would first import PyTorch and start Ray, which takes longer than to train
    a few epochs. What is printed while trials run is not in the result, and the figures of a report
    are texts.

    Args:
        arguments: Arguments after `bloodstudy`.
        folder: Working directory.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        keep_signal_handlers(),
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        write_texts_of_figures(),
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["bloodstudy", *map(str, arguments)])
        use_shared_ray(patch)
        with pytest.raises(SystemExit) as caught:
            main()
    assert isinstance(caught.value.code, int)
    output = stdout.getvalue(), stderr.getvalue()
    return subprocess.CompletedProcess(list(arguments), caught.value.code, *output)


@contextmanager
def keep_signal_handlers() -> Iterator[None]:
    """Restore the signal handlers of this process at the end of the context."""
    handlers = {number: signal.getsignal(number) for number in list_signals()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def use_shared_ray(patch: pytest.MonkeyPatch) -> None:
    """Let commands use the Ray that runs in this process instead of starting one."""
    for module in ("study.tuning.training_session", "study.lifecycle.doctor_compute"):
        patch.setattr(f"{module}.open_ray_session", lambda *_, **__: nullcontext())


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
