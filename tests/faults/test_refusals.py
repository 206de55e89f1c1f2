"""Test refusals: one line, quickly, with the right exit code, and without any change."""

import hashlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from tests.faults.conftest import FaultRow
from tests.faults.studies import GRID_OPTIONS, IS_FULL_RUN, StudyRunner
from tests.helpers.command import INSTALLED_COMMAND, run_command


def tree(folder: Path) -> dict[str, str]:
    """Return the hash of every file and the target of every link."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Elapsed time and CPU time of a refusal by the installed command, in seconds."""

    duration_s: float
    cpu_s: float


def refused(words: list[str], code: int, *parts: str, **environment: str) -> Refusal:
    start_time, cpu_start_s = time.monotonic(), get_children_cpu_s()
    done = subprocess.run(
        [INSTALLED_COMMAND, *words], capture_output=True, text=True, check=False, timeout=100,
        env=os.environ | environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    refusal = Refusal(
        duration_s=time.monotonic() - start_time, cpu_s=get_children_cpu_s() - cpu_start_s
    )
    assert_refused(done, code, *parts)
    return refusal


def get_children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("bloodstudy: ")
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in last


def test_grid_with_the_name_of_another_study_is_refused_with_the_difference(
    tmp_path: Path, undisturbed: Ledger, data_file: Path, row: FaultRow
) -> None:
    study = StudyRunner(tmp_path / "there", data_file, "s", *GRID_OPTIONS)
    shutil.copytree(undisturbed.folder, study.folder)
    before = tree(study.folder)
    other = tmp_path / "other.npz"
    np.savez(other, allow_pickle=False, **generate_synthetic_arrays(scale=0.02))
    again = [*study.arguments, "--resume"]
    for words, code, parts in (
        (study.arguments, 4, [str(study.folder), "--resume"]),
        ([*again, "--max-epochs", "2"], 4, ["max_epochs", "12", "2"]),
        ([*again, "--seeds", "2"], 4, ["seeds", "0, 1"]),
        ([*again, "--config", "cnn-config-4"], 4, ["configurations", "cnn-config-4"]),
        ([*again, "--data-file", str(other)], 4, ["cells.npz", "other.npz"]),
        (["search", *study.arguments[1:7], "--resume"], 4, ["grid", "search"]),
        (["grid", "--resume", "--data", "synthetic"], 2, ["--resume", "--name"]),
        (["resume", str(study.folder.with_name("none"))], 4, ["'none'", str(study.folder.parent)]),
    ):
        assert_refused(run_command(*words), code, *parts)
    assert tree(study.folder) == before
    row(
        "the name exists; resume with other settings or data",
        "exit 4 with the differences, nothing changed",
        "exit 4 in 7 cases, 2 in one; the folder unchanged",
    )


def test_grid_whose_output_cannot_be_written_is_refused_soon(
    tmp_path: Path, data_file: Path, row: FaultRow
) -> None:
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
    cpu_s = max(refusal.cpu_s for refusal in passed)
    assert cpu_s < 2  # the elapsed time on an idle host, because the command waits for nothing
    row(
        "output not writable, a file in its place, a symbolic link",
        "exit 3 within 2 s",
        f"exit 3 in 6 cases, after {cpu_s:.1f} s at most",
    )


CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster
from ray._raylet import GcsClient
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
client, space = GcsClient(address=cluster.address), {"namespace": b"cluster"}
known = json.loads(client.internal_kv_get(b"CLUSTER_METADATA", **space))
for line in sys.stdin:
    described = json.dumps(known | json.loads(line)).encode()
    client.internal_kv_put(b"CLUSTER_METADATA", described, True, **space)
    print("address", cluster.address, flush=True)
cluster.shutdown()
"""
"""Code of a cluster that changes its metadata to what each line of standard input contains."""
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}


@pytest.fixture
def cluster() -> Iterator[Callable[..., str]]:
    """Yield a function that changes the cluster's metadata and returns its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | TOKEN,
    )  # fmt: skip
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def describe_as(**changes: str) -> str:
        stdin.write(f"{json.dumps(changes)}\n")
        stdin.flush()
        return next(line.split()[1] for line in stdout if line.startswith("address "))

    yield describe_as
    process.communicate("")


def test_grid_without_its_gpu_or_cluster_is_refused_soon(
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
            "silence": refused(at[0], 3, "did not respond within 3 s"),
            "nobody": refused(at[1], 3, "Connection refused"),
        }  # fmt: skip
    for name, changes, parts, token in (
        ("wrong token", {}, ["token"], "b" * 64),
        ("other Ray", {"ray_version": "2.9.0"}, ["Ray: 2.9.0"], "a" * 64),
        ("other Python", {"python_version": "3.9.1"}, ["Python: 3.9.1"], "a" * 64),
    ):
        address = ["--address", cluster(**changes)]
        environment = TOKEN | {"RAY_AUTH_TOKEN": token}
        passed[name] = refused([*words, *address], 3, *parts, **environment)
    duration_s = max(refusal.duration_s for refusal in passed.values())
    assert not IS_FULL_RUN or duration_s < 10  # without other load
    assert not (tmp_path / "r" / "s").exists()
    said = ", ".join(f"{name} {refusal.duration_s:.1f} s" for name, refusal in passed.items())
    row(
        "no GPU, an address that answers nothing, a wrong token, another version in the cluster",
        "exit 3 within 10 s",
        f"exit 3 after: {said}",
    )
