"""Settings and fixtures shared by all tests."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from bloodnets.data.synthetic import generate_synthetic_arrays
from tests.helpers.cli_runs import (
    Outcome,
    RunHere,
    RunMain,
    keep_signal_handlers,
    run_command,
    run_here,
)
from tests.helpers.s3 import S3Server, run_s3_server
from tests.helpers.trained_studies import build_once

ROOT = Path(__file__).resolve().parents[1]

# A cluster of the developer's shell would be used instead of Ray on this host.
os.environ.pop("RAY_ADDRESS", None)

# No test depends on the speed of the machine, and every run tries the same examples.
settings.register_profile("bloodstudy", deadline=None, derandomize=True)
settings.load_profile("bloodstudy")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Limit PyTorch to one thread, as in a trial on one core: tests may run in parallel."""
    if (torch := sys.modules.get("torch")) is not None:  # some tests do not import it
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with about 600 synthetic cells in train: a CNN's epoch takes about 0.5 s."""

    def build(folder: Path) -> None:
        arrays = generate_synthetic_arrays(scale=0.05)
        np.savez(folder / "cells.npz", allow_pickle=False, **arrays)

    return build_once(tmp_path_factory, "data", build) / "cells.npz"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run an S3-compatible server that this process and its children find by their environment."""
    with (
        run_s3_server(tmp_path_factory.mktemp("store")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def ray_folder() -> Iterator[Path]:
    """Start Ray on this host, with one core, and yield the folder of its files.

    Its workers preload `wave`, which nothing else imports.
    """
    import ray

    from study.runtime.environment import RAY_ENVIRONMENT
    from study.runtime.ray_internals import start_ray

    # Not in pytest's folder: the path of a socket has at most 107 bytes.
    folder = Path(f"/tmp/bs-test-{os.getpid()}")
    with keep_signal_handlers(), pytest.MonkeyPatch.context() as patch:
        for name, value in RAY_ENVIRONMENT.items():
            patch.setenv(name, value)
        # Workers do not import from the current folder, but have to import functions of tests.
        patch.setenv("PYTHONPATH", str(ROOT))
        start_ray(str(folder), num_cpus=1, object_store_memory=2**27, preload=("wave",))
    yield folder
    ray.shutdown()


@pytest.fixture(scope="session")
def train(ray_folder: Path) -> RunHere:
    """Return a function that runs a command in this process, with the Ray that its tests share."""
    return run_here


@pytest.fixture
def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunMain]:
    """Return a function that runs the command with the given words."""

    def run(*words: object) -> Outcome:
        return run_command(words, monkeypatch, capsys)

    with keep_signal_handlers():
        yield run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault table: the outcome that each test of `tests/faults` reached."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "fault" and report.when == "call"
    ]
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line("| fault | promise | reached |\n|---|---|---|")
        for row in rows:
            terminalreporter.write_line(f"| {' | '.join(row)} |")
