"""How a Ray session begins, and what it leaves behind in the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.runtime.session import redirect_output

MAKE_CONFIG = """
from pathlib import Path
from study.configs.study_config import GridConfig
from study.runtime.session import open_ray_session

config = GridConfig(
    name="s", storage_root=Path("."), configurations=(), seeds=1, max_epochs=1, patience=1,
    width=None, batch_size=None, precision="float32", cpus_per_trial=1, gpus_per_trial=0,
    max_concurrent=None, address=None,
)
"""

# A process that is sent SIGTERM twice: while Ray runs, and after it has shut down.
TERMINATED_TWICE = f"""
import os, signal
from bloodnets.storage.location import TEMP_PREFIX
{MAKE_CONFIG}
received = []
signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))

def print_folders():
    print("folders", len([*Path("/tmp").glob(f"{{TEMP_PREFIX}}{{os.getpid()}}-*")]))

with open_ray_session(config):
    print_folders()
    os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGTERM)
print_folders()
print("received", len(received))
"""

ONE_TRIAL = f"""
import ray
{MAKE_CONFIG}
def list_modules():
    import sys
    modules = set(sys.modules)
    import wave
    return modules

with open_ray_session(config, n_trials=1):
    cores = ray.cluster_resources()["CPU"]
    modules = ray.get(ray.remote(list_modules).remote())
print(cores, *({{"torch", "ray.tune", "medmnist"}} & modules))
"""


def test_open_ray_session_for_one_trial_has_one_core_and_a_worker_that_is_prepared(
    tmp_path: Path,
) -> None:
    (tmp_path / "wave.py").write_text("raise ImportError('the module of another program')")
    done = subprocess.run(
        [sys.executable, "-P", "-c", ONE_TRIAL],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cores, *modules = done.stdout.splitlines()[-1].split()
    assert float(cores) == 1
    assert {*modules} == {"torch", "ray.tune"}


@pytest.fixture(scope="module")
def output() -> list[str]:
    """Return the lines that the process prints."""
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED_TWICE],
        env=os.environ | {"TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_open_ray_session_keeps_the_signal_handlers_of_the_process(output: list[str]) -> None:
    assert output[-1] == "received 2"


def test_open_ray_session_at_its_end_removes_its_temporary_folder(output: list[str]) -> None:
    assert [line for line in output if line.startswith("folders")] == ["folders 1", "folders 0"]


def test_redirect_output_appends_what_the_process_and_its_children_print(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log_path = tmp_path / "ray.log"
    for word in ("first", "second"):  # a study that is resumed keeps the log of its first run
        with redirect_output(log_path) as terminal:
            subprocess.run(["echo", word], check=True)
            terminal.write(f"seen {word}\n")
    assert log_path.read_text() == "first\nsecond\n"
    assert capfd.readouterr().err == "seen first\nseen second\n"
