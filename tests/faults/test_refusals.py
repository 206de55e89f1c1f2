"""What cannot work is said in one line, soon, with the right exit code, and changes nothing."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.synthetic import generate_synthetic_arrays
from tests.faults import studies
from tests.faults.conftest import FaultRow
from tests.faults.studies import StudyRunner

Refuse = Callable[..., float]


def tree(folder: Path) -> dict[str, str]:
    """Every file's hash and every link's target."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def refused(words: list[str], code: int, *parts: str, **environment: str) -> float:
    """Seconds that it took to say so."""
    began = time.monotonic()
    done = subprocess.run(
        [studies.BLOODSTUDY_PATH, *words], capture_output=True, text=True, check=False, timeout=100,
        env=os.environ | environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    passed = time.monotonic() - began
    assert done.returncode == code, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("bloodstudy: ")
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in last
    return passed


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> StudyRunner:
    own = StudyRunner(
        tmp_path_factory.mktemp("there"),
        data_file,
        "s",
        "--config",
        "cnn-config-1",
        "--max-epochs",
        "1",
    )
    own.run_to_end()
    return own


def test_another_study_of_that_name(tmp_path: Path, study: StudyRunner, row: FaultRow) -> None:
    before = tree(study.folder)
    other = tmp_path / "other.npz"
    np.savez(other, allow_pickle=False, **generate_synthetic_arrays(scale=0.02))
    again = [*study.arguments, "--resume"]
    refused(study.arguments, 4, "exists already", "--resume")
    refused([*again, "--max-epochs", "2"], 4, "max_epochs was 1, now 2")
    refused([*again, "--seeds", "2"], 4, "the seeds were 0, now 0, 1")
    refused([*again, "--config", "mlnn-config-1"], 4, "the configurations were cnn-config-1, now")
    refused([*again, "--data-file", str(other)], 4, "the data were cells.npz", "now other.npz")
    search = ["search", *study.arguments[1:7], "--resume"]
    refused(search, 4, "it is a grid, not a search")
    refused(["grid", "--resume", "--data", "synthetic"], 2, "--resume needs --name")
    refused(["resume", str(study.folder.with_name("none"))], 4, "no study in")
    assert tree(study.folder) == before
    row(
        "the name exists; resume with other settings or data",
        "exit 4 with the differences, nothing changed",
        "exit 4 in 7 cases, the folder unchanged",
    )


def test_output_that_cannot_be_written(tmp_path: Path, data_file: Path, row: FaultRow) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = tree(tmp_path)
    words = ["grid", "--data-file", str(data_file), "--storage"]
    passed = [
        refused([*words, "/proc/self", "--name", "s"], 3, "cannot write to /proc/self"),
        refused([*words, str(tmp_path / "file"), "--name", "s"], 3, "file is a file"),
        refused([*words, str(tmp_path / "file" / "x"), "--name", "s"], 3, "file is a file"),
        refused([*words, str(tmp_path), "--name", "file"], 3, "file is a file"),
        refused([*words, str(tmp_path), "--name", "link"], 3, "link is a symbolic link"),
        refused([*words, str(tmp_path), "--name", "dangling"], 3, "dangling is a symbolic link"),
    ]
    assert tree(tmp_path) == before
    assert max(passed) < 2
    row(
        "output not writable, a file in its place, a symbolic link",
        "exit 3 within 2 s",
        f"exit 3 in 6 cases, after {max(passed):.1f} s at most",
    )


CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster
from ray._raylet import GcsClient
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
changes = json.loads(sys.argv[1])
if changes:
    client, space = GcsClient(address=cluster.address), {"namespace": b"cluster"}
    known = json.loads(client.internal_kv_get(b"CLUSTER_METADATA", **space))
    client.internal_kv_put(b"CLUSTER_METADATA", json.dumps(known | changes).encode(), True, **space)
print("address", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
"""A cluster that says of itself what it is told to."""
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}


@pytest.fixture
def cluster() -> Iterator[Callable[..., str]]:
    begun: list[subprocess.Popen[str]] = []

    def start(**changes: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER, json.dumps(changes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | TOKEN,
        )  # fmt: skip
        begun.append(process)
        assert process.stdout is not None
        return next(line.split()[1] for line in process.stdout if line.startswith("address "))

    yield start
    for process in begun:
        process.communicate("")


def test_a_machine_or_cluster_that_will_not_do(
    tmp_path: Path, data_file: Path, cluster: Callable[..., str], row: FaultRow
) -> None:
    words = ["grid", "--data-file", str(data_file), "--storage", str(tmp_path / "r"), "--name", "s"]
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.create_server(("127.0.0.1", 0)) as gone,
    ):
        ports = [server.getsockname()[1] for server in (silent, gone)]
        gone.close()
        at = [[*words, "--address", f"127.0.0.1:{port}"] for port in ports]
        passed = {
            "no GPU": refused([*words, "--gpus-per-trial", "1"], 3, "is 1, but", "--device cpu"),
            "silence": refused(at[0], 3, "did not answer within 3 s"),
            "nobody": refused(at[1], 3, "Connection refused"),
        }  # fmt: skip
    at = [
        [*words, "--address", cluster(**changes)]
        for changes in ({}, {"ray_version": "2.9.0"}, {"python_version": "3.9.1"})
    ]
    passed["wrong token"] = refused(at[0], 3, "token", **TOKEN | {"RAY_AUTH_TOKEN": "b" * 64})
    passed["other Ray"] = refused(at[1], 3, "Version mismatch", "Ray: 2.9.0", **TOKEN)
    passed["other Python"] = refused(at[2], 3, "Version mismatch", "Python: 3.9.1", **TOKEN)
    assert max(passed.values()) < 10
    assert not (tmp_path / "r" / "s").exists()
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in passed.items())
    row(
        "no GPU, an address that answers nothing, a wrong token, another version in the cluster",
        "exit 3 within 10 s",
        f"exit 3 after: {said}",
    )
