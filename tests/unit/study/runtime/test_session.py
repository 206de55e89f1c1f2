"""How a Ray session begins, and what it leaves behind in the process."""

import os
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from bloodnets.errors import ResourceError
from study.runtime import session
from study.runtime.session import open_ray_session, redirect_output, run_test_task
from tests.helpers.study_configs import make_grid_config

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

# A process whose Ray times out at the first attempt, and that is sent signals while Ray runs, while
# it shuts down, and afterwards.
SIGNALED = f"""
import os, signal, subprocess, tempfile, threading, time
import psutil, ray
{MAKE_CONFIG}
received = []
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, lambda number, frame: received.append(number))

def print_folders():
    print("folders", len(os.listdir(tempfile.gettempdir())))

def time_out(**_):
    ray.init = init
    leftovers.append(subprocess.Popen(["sleep", "60"]))
    raise Exception("The current node timed out during startup.")

init, ray.init, leftovers = ray.init, time_out, []
with open_ray_session(config):
    print_folders()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGHUP)
    # Ray's C++ code removes the handler when it shuts down, before its processes end.
    (raylet,) = [child for child in psutil.Process().children() if child.name() == "raylet"]
    def terminate():
        while psutil.pid_exists(raylet.pid):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=terminate).start()
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGHUP)
print_folders()
print("left", *[process.wait(10) for process in leftovers])
print("received", len(received))
"""

# A process whose home folder is missing, in a folder with a file that replaces a library.
ONE_TRIAL = f"""
import os, signal
import ray
from study.runtime.home import provide_home
{MAKE_CONFIG}
def describe_worker():
    import sys, wave
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return set(sys.modules), wave.__file__, signal.SIGHUP in blocked

with provide_home(), open_ray_session(config, n_trials=1):
    cores = ray.cluster_resources()["CPU"]
    modules, file, is_shielded = ray.get(ray.remote(describe_worker).remote())
print(cores)
print(*({{"torch", "ray.tune", "medmnist"}} & modules))
print(file)
print(is_shielded)
"""


@pytest.fixture(scope="module")
def one_trial(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the lines that the process with one trial prints."""
    folder = tmp_path_factory.mktemp("current")
    (folder / "wave.py").touch()
    done = subprocess.run(
        [sys.executable, "-P", "-c", ONE_TRIAL],
        cwd=folder,
        env=os.environ | {"HOME": str(folder / "missing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["wave.py"]
    return done.stdout.splitlines()


def test_open_ray_session_for_one_trial_has_one_core_and_a_worker_that_is_prepared(
    one_trial: list[str],
) -> None:
    assert float(one_trial[0]) == 1
    assert {*one_trial[1].split()} == {"torch", "ray.tune"}


def test_open_ray_session_workers_do_not_import_from_the_current_folder(
    one_trial: list[str],
) -> None:
    assert one_trial[2] == wave.__file__


def test_open_ray_session_workers_survive_the_end_of_the_terminal(one_trial: list[str]) -> None:
    assert one_trial[3] == "True"


@pytest.fixture
def temp_parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty folder for temporary folders, whose path is short enough for Ray."""
    with tempfile.TemporaryDirectory(prefix="bs-", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


def test_open_ray_session_after_a_timeout_starts_again_and_leaves_nothing(
    temp_parent: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    folders = ["folders 1", "folders 0"]
    assert done.stdout.splitlines()[-4:] == [*folders, f"left {-signal.SIGKILL}", "received 5"]


def test_open_ray_session_after_two_timeouts_raises_and_leaves_nothing(
    temp_parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[str] = []

    def time_out(*, _temp_dir: str, **_: object) -> None:
        folders.append(_temp_dir)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", time_out)
    monkeypatch.setattr(ray, "shutdown", lambda: None)  # other tests share this process's Ray
    with (
        pytest.raises(ResourceError) as caught,
        open_ray_session(make_grid_config(temp_parent)),
    ):
        pytest.fail("Ray started")
    assert caught.value.remedy is not None
    assert len({*folders}) == 2
    assert list(temp_parent.iterdir()) == []


def test_run_test_task_without_a_worker_that_responds_raises(
    ray_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TASK_TIMEOUT_S", 0.0)
    with pytest.raises(ResourceError):
        run_test_task()


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
