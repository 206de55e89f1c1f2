"""Run the `bloodstudy` command in forked processes, which begin with torch and Ray imported.

Each command has a process of its own, to be signaled and killed like a user's. What it lacks are
the seconds that its imports take. `INSTALLED_COMMAND` is the script itself, for tests of these.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest

INSTALLED_COMMAND = Path(sys.executable).with_name("bloodstudy")

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["study.cli.main", "study.tuning.run", "study.inference.predict", "reports.page.publish"]
)

DEFAULT_TIMEOUT_S = 250.0


class Command:
    """A running command, with those methods of `subprocess.Popen` that tests need.

    Attributes:
        pid: Id of its process, which leads a session of its own.
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
            arguments: Words after `bloodstudy`.
            stdout_path: File to which its standard output is appended.
            stderr_path: File for its standard error; may be the same.
            folder: Working directory; the current one without.
            program: Python code to run instead, which calls `main()`. A name that it sets in a
                module does not change those that other modules have imported from there.
            environment: Variables to set in addition to those of this process.
        """
        for path in (stdout_path, stderr_path):
            path.touch(mode=0o600)  # to be read before the process has begun
        self._process: BaseProcess = FORKS.Process(
            target=_run,
            args=(
                [str(argument) for argument in arguments],
                folder or Path.cwd(),
                (Path(os.devnull), stdout_path.absolute(), stderr_path.absolute()),
                program,
                {**os.environ, **(environment or {})},
            ),
            daemon=True,  # it ends with the tests
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, the negative number of the signal that ended it, or None."""
        return self._process.exitcode

    def wait(self, timeout_s: float) -> int:
        """Return its exit code; fail the test if it does not end in time."""
        self._process.join(timeout_s)
        exit_code = self._process.exitcode
        if exit_code is None:
            self.kill()
            pytest.fail(f"the command did not end within {timeout_s} s")
        return exit_code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)
        self._process.join()

    def list_process_tree(self) -> list[psutil.Process]:
        """Return its process and all that it started."""
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


def _run(
    arguments: list[str],
    folder: Path,
    output_paths: tuple[Path, Path, Path],
    program: str | None,
    environment: Mapping[str, str],
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for fd, path in enumerate(output_paths):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), fd)
    sys.argv = [str(INSTALLED_COMMAND), *arguments]
    if program is not None:
        exec(program, {"__name__": "__main__"})  # its functions are pickled by value for workers
        return
    from study.cli.main import main

    main()
