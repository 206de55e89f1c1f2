"""Run the `bloodstudy` command in separate processes, which tests can signal and kill."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

INSTALLED_COMMAND = Path(sys.executable).with_name("bloodstudy")

DEFAULT_TIMEOUT_S = 250.0


class Command:
    """Running command, with those methods of `subprocess.Popen` that tests need.

    Attributes:
        pid: Id of its process, which leads its own session.
    """

    def __init__(
        self,
        *arguments: str | Path,
        stdout_path: Path,
        stderr_path: Path,
        folder: Path | None = None,
        program: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a command.

        Args:
            arguments: Arguments after `bloodstudy`.
            stdout_path: File to which its standard output is appended.
            stderr_path: File for its standard error; may be the same.
            folder: Working directory; None for the current one.
            program: Python code to run instead; it ends with a call of `main()`.
            environment: Variables to set in addition to those of this process.
        """
        for path in (stdout_path, stderr_path):
            path.touch(mode=0o600)  # so that it can be read before the process starts
        script = [INSTALLED_COMMAND] if program is None else [sys.executable, "-c", program]
        with stdout_path.open("a") as stdout_file, stderr_path.open("a") as stderr_file:
            self._process = subprocess.Popen(
                [*script, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout_file,
                stderr=stderr_file,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, the negative number of the signal that ended it, or None."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; fail the test if the command does not end in time."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the command did not end within {timeout_s} s")

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command, unless it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the command."""
        self._process.kill()
        self._process.wait()

    def list_process_tree(self) -> list[psutil.Process]:
        """Return the process of the command and all its descendants."""
        driver = psutil.Process(self.pid)
        return [driver, *driver.children(recursive=True)]


def run_command(
    *arguments: str | Path,
    folder: Path | None = None,
    program: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; see `Command` for the arguments."""
    with tempfile.TemporaryDirectory() as output_folder:
        stdout_path, stderr_path = Path(output_folder, "stdout"), Path(output_folder, "stderr")
        command = Command(
            *arguments,
            stdout_path=stdout_path,
            stderr_path=stderr_path,
            folder=folder,
            program=program,
            environment=environment,
        )
        exit_code = command.wait(timeout_s)
        return subprocess.CompletedProcess(
            list(arguments), exit_code, stdout_path.read_text(), stderr_path.read_text()
        )
