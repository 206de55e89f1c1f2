"""Test studies on nodes that share only object storage, and that lose one another."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from tests.cluster.conftest import TOKEN_ENV, join_ray_cluster, serve_s3, start_ray_cluster
from tests.helpers.network_namespaces import NETWORK_PREFIX, NamespaceNode
from tests.helpers.s3 import S3_BUCKET, S3_ENV, S3_PORT

STUDIES = f"s3://{S3_BUCKET}/studies"
ENVIRONMENT = TOKEN_ENV | S3_ENV | {"AWS_ENDPOINT_URL": f"http://{NETWORK_PREFIX}.5:{S3_PORT}"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three nodes of a cluster, one that can join, and a laptop that also serves the storage."""

    head: NamespaceNode
    others: tuple[NamespaceNode, NamespaceNode]
    late: NamespaceNode
    laptop: NamespaceNode

    def begin(self, name: str, *options: str) -> subprocess.Popen[str]:
        """Start a grid from the head; `said` returns its output."""
        words = ["bloodstudy", "grid", "--data-file", "cells.npz", "--name", name, *options]
        with (self.head.home / f"{name}.log").open("w") as log:
            return self.head.start_process(words, env=ENVIRONMENT, stdout=log, stderr=log)

    def said(self, name: str) -> str:
        return (self.head.home / f"{name}.log").read_text()

    def wait_for(self, pattern: str, name: str, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 120
        while not re.search(pattern, self.said(name)):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"condition not met; exit code {process.poll()}\n{self.said(name)}")
            time.sleep(0.1)

    def on_laptop(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.laptop.run(["bloodstudy", *words], env=ENVIRONMENT, check=check, timeout_s=250)


@pytest.fixture(scope="module")
def cluster(data_file: Path) -> Iterator[Cluster]:
    with start_ray_cluster(3, n_spare=2, env=ENVIRONMENT) as (head, one, two, late, laptop):
        for node in (head, laptop):
            shutil.copy(data_file, node.home / "cells.npz")
        with serve_s3(laptop):
            yield Cluster(head, (one, two), late, laptop)


def test_grid_with_a_folder_of_the_head_only_is_refused(cluster: Cluster) -> None:
    process = cluster.begin("own", "--address", "auto")
    assert process.wait(60) == 3
    said = cluster.said("own")
    assert re.search(
        r"bloodstudy: node 10\.77\.0\.[23] \(machine-[23]\) cannot use "
        r"results/own: the file that the driver wrote there was not found.* --storage s3://",
        said,
    ), said
    assert "started" not in said
    assert not (cluster.head.home / "results" / "own").exists()


def test_command_with_a_wrong_token_is_refused(cluster: Cluster) -> None:
    cluster.laptop.write_file(".ray/auth_token", "0" * 64)
    address = f"{cluster.head.address}:6379"
    refused = cluster.on_laptop("doctor", "--address", address, check=False)
    assert refused.returncode == 3
    assert re.search(rf"FAIL  Ray: Ray could not join the cluster at {address}: ", refused.stdout)
    words = ["grid", "--address", address, "--data-file", "cells.npz", "--storage", STUDIES]
    refused = cluster.on_laptop(*words, check=False)
    assert refused.returncode == 3
    assert re.search(r"^bloodstudy: Ray could not join .*token", refused.stdout, re.MULTILINE)


def test_doctor_checks_every_node(cluster: Cluster) -> None:
    words = ["doctor", "--address", "auto", "--data-file", "cells.npz"]
    run = cluster.head.run(["bloodstudy", *words, "--storage", STUDIES], env=ENVIRONMENT)
    for node in (cluster.head, *cluster.others):
        (line,) = re.findall(rf"^pass  {node.address} \({node.name}\): (.*)$", run.stdout, re.M)
        for part in (
            "python 3.",
            "torch ",
            "ray ",
            "no GPU",
            "can access the storage",
            "arrive intact",
        ):
            assert part in line
    run = cluster.head.run(["bloodstudy", *words], env=ENVIRONMENT, check=False)
    assert run.returncode == 3
    assert len(re.findall(r"^FAIL  .* cannot use /root\S*: the file that", run.stdout, re.M)) == 2


def test_grid_with_a_lost_node_and_a_new_one_completes(cluster: Cluster) -> None:
    dying = cluster.others[1]
    # Two pairs must agree, whichever node trains them; the fifth trial is for the late node.
    names = ("cnn-config-1", "cnn-config-2", "cnn-config-3", "mlnn-config-2", "mlnn-config-4")
    options = [word for name in names for word in ("--config", name)]
    options += ["--storage", STUDIES, "--max-epochs", "6"]
    process = cluster.begin("g", "--address", "auto", *options)
    cluster.wait_for(r"epoch 2/6", "g", process)
    dying.run(["pkill", "-9", "raylet"])
    cluster.late.write_file(".ray/auth_token", (cluster.head.home / ".ray/auth_token").read_text())
    join_ray_cluster(cluster.late, cluster.head, ENVIRONMENT)
    assert process.wait(240) == 0, cluster.said("g")
    cluster.on_laptop("report", f"{STUDIES}/g")
    assert (cluster.laptop.home / "g-report/index.html").stat().st_size > 10**5
    verified = cluster.on_laptop("report", f"{STUDIES}/g", "--verify").stdout
    assert "15 files: each matches the SHA-256" in verified
    ledger = fetched(cluster, "g")
    records = ledger.read_trials()
    assert [record.state for record in records] == ["complete"] * 5
    hosts = {record.host for record in records}
    assert hosts >= {cluster.head.name, cluster.others[0].name, cluster.late.name}
    assert dying.name not in hosts
    assert f"node {dying.address} left the cluster" in cluster.said("g")
    assert {record.attempts for record in records} == {1}  # the node failed, not the trial
    by_name = {record.configuration: record.id for record in records}
    for first, second in (("cnn-config-1", "cnn-config-3"), ("mlnn-config-2", "mlnn-config-4")):
        ours, theirs = (read_predictions(ledger, by_name[name], "test") for name in (first, second))
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)


def test_grid_whose_head_died_is_resumed_on_another_node(cluster: Cluster) -> None:
    options = ("--config", "cnn-config-1", "--config", "mlnn-config-2", "--max-epochs", "8")
    process = cluster.begin("h", "--address", "auto", "--storage", STUDIES, *options)
    cluster.wait_for(r"cnn-config-1\S*: epoch 2/", "h", process)
    cluster.head.run(["sh", "-c", "kill -9 -1"], check=False)  # all but the node's first process
    process.wait(10)
    status = cluster.on_laptop("status", f"{STUDIES}/h").stdout
    assert re.search(r"pending: .*cnn-config-1-s0 \(after \d+ epochs?\)", status)
    assert f"bloodstudy resume {STUDIES}/h --address auto" in status
    resumed = cluster.on_laptop("resume", f"{STUDIES}/h", "--address", "local").stdout
    (epoch,) = re.findall(r"cnn-config-1\S*: resumes after epoch (\d+)", resumed)
    assert int(epoch) >= 1
    assert f"Report: {STUDIES}/h/report/index.html" in resumed
    cluster.on_laptop("report", f"{STUDIES}/h", "--verify")
    assert [record.host for record in fetched(cluster, "h").read_trials()] == [
        cluster.laptop.name
    ] * 2


def fetched(cluster: Cluster, name: str) -> Ledger:
    """Copy a study out of the storage, and return its ledger."""
    code = (
        "from pyarrow import fs; import sys; "
        "source, path = fs.FileSystem.from_uri(sys.argv[1]); "
        "fs.copy_files(path, sys.argv[2], source, fs.LocalFileSystem())"
    )
    words = ["python", "-c", code, f"{STUDIES}/{name}", f"/root/copied/{name}"]
    cluster.laptop.run(words, env=ENVIRONMENT)
    return Ledger(cluster.laptop.home / "copied" / name)
