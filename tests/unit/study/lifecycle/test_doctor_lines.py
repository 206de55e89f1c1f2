"""The doctor prints a line as soon as its check has ended."""

import subprocess
import sys
from pathlib import Path

CLI_WITH_WAITING_CHECK = """
import sys
from study.cli.main import main
from study.lifecycle import doctor
from study.lifecycle.check_result import CheckResult

def run_checks(**_):
    yield CheckResult(True, "first")
    sys.stdin.readline()
    yield CheckResult(False, "second")

doctor.run_checks = run_checks
main()
"""

FIRST_CHECK = """
import sys
from pathlib import Path
from study.lifecycle.doctor import run_checks

checks = run_checks(storage_root=Path("."), data_file=None, data_root=None, address=None)
print(next(checks).passed, *sys.modules)
"""


def test_doctor_line_is_readable_before_the_next_check_runs() -> None:
    """The second check waits for a line that is sent after the first one's result was read."""
    with subprocess.Popen(
        [sys.executable, "-c", CLI_WITH_WAITING_CHECK, "doctor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        stdout, _ = process.communicate("\n")
    assert stdout == "second\n"
    assert process.returncode == 3


def test_run_checks_first_check_imports_neither_torch_nor_ray(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CHECK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    passed, *modules = done.stdout.split()
    assert passed == "True"
    assert not {"torch", "ray", "pandas", "requests"} & set(modules)
