"""What a Ray session leaves behind in the process."""

import subprocess
import sys

# A process that is sent SIGTERM twice: while Ray runs, and after it has shut down.
TERMINATED_TWICE = """
import os, signal, time
from pathlib import Path
from study.configs.study_config import GridConfig
from study.runtime.session import open_ray_session

received = []
signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
config = GridConfig(
    name="s", storage_root=Path("."), configurations=(), seeds=1, max_epochs=1, patience=1,
    width=None, batch_size=None, precision="float32", cpus_per_trial=1, gpus_per_trial=0,
    max_concurrent=None, address=None,
)
with open_ray_session(config):
    os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGTERM)
print("received", len(received))
"""


def test_open_ray_session_keeps_the_signal_handlers_of_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED_TWICE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "received 2"
