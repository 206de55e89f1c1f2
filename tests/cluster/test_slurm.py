"""Test slurm.sbatch with a Slurm cluster of simulated nodes."""

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.network_namespaces import ROOT, NamespaceNode, run_namespace_nodes

# On a busy machine, the job of two nodes takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

N_NODES = 2

# Slurm keeps its files in each node's own /root and /run. All processes of a job are found by their
# parents, because the nodes have no control groups of their own.
SLURM_CONF = f"""
ClusterName=test
SlurmctldHost=machine-1
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=/root/slurmctld
SlurmdSpoolDir=/root/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/root/slurmctld.log
SlurmdLogFile=/root/slurmd.log
KillWait=10
NodeName=machine-[1-{N_NODES}] CPUs=1 RealMemory=1000
PartitionName=all Nodes=ALL Default=YES State=UP
"""
MUNGED = (
    "munged", "--force", "--key-file=/root/munge.key", "--log-file=/root/munge.log",
    "--seed-file=/root/munge.seed", "--pid-file=/run/munge/munged.pid",
    "--socket=/run/munge/munge.socket.2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlurmCluster:
    """Nodes of a Slurm cluster, and the folder that they share."""

    nodes: Sequence[NamespaceNode]
    folder: Path

    def run(self, *words: str) -> str:
        """Run a command on the first node, in the shared folder."""
        env = {"SLURM_CONF": f"{self.folder}/slurm.conf"}
        command = ["env", "-C", str(self.folder), *words]
        return self.nodes[0].run(command, env=env).stdout

    def submit(self, *words: str) -> str:
        """Submit a study and return the id of its job."""
        return self.run("sbatch", "--parsable", *words).strip()

    def read_output(self, job: str) -> str:
        path = self.folder / f"bloodstudy-{job}.out"
        return path.read_text() if path.exists() else ""

    def read_state(self, job: str) -> dict[str, str]:
        """Return the fields of a job, e.g. `JobState`."""
        return dict(re.findall(r"(\w+)=(\S*)", self.run("scontrol", "show", "job", job)))

    def wait_for(self, condition: Callable[[], bool], job: str) -> None:
        deadline = time.monotonic() + 300
        while not condition():
            if time.monotonic() > deadline:
                ray = self.folder / f"ray-{job}.out"
                outputs = [self.read_output(job), ray.read_text() if ray.exists() else ""]
                pytest.fail("\n".join(["condition not met", str(self.read_state(job)), *outputs]))
            time.sleep(0.5)

    def wait_for_state(self, state: str, job: str) -> None:
        self.wait_for(lambda: self.read_state(job)["JobState"] == state, job)


@pytest.fixture(scope="module")
def slurm(data_file: Path) -> Iterator[SlurmCluster]:
    programs = ("munged", "slurmctld", "slurmd", "sbatch")
    path = f"{os.environ['PATH']}:/usr/sbin"
    if lacking := [name for name in programs if not shutil.which(name, path=path)]:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    key = secrets.token_hex(64)
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,  # each node has a /tmp of its own
        run_namespace_nodes(N_NODES) as nodes,
    ):
        cluster = SlurmCluster(nodes, Path(folder))
        shutil.copy(data_file, cluster.folder / "cells.npz")
        (cluster.folder / "slurm.conf").write_text(SLURM_CONF)
        env = {"SLURM_CONF": f"{folder}/slurm.conf"}
        for node in nodes:
            node.write_file("munge.key", key)
            node.run(["mkdir", "/run/munge", "/root/slurmctld", "/root/slurmd"])
            node.run(MUNGED)
        nodes[0].run(["slurmctld"], env=env)
        for node in nodes:
            node.run(["slurmd"], env=env)
        yield cluster


def test_slurm_job_of_one_node_completes(slurm: SlurmCluster) -> None:
    words = ("grid", "--data-file", "cells.npz", "--config", "mlnn-config-1", "--max-epochs", "1")
    job = slurm.submit(f"{ROOT}/slurm.sbatch", "one", *words)
    slurm.wait_for_state("COMPLETED", job)
    (record,) = Ledger(slurm.folder / "results/one").read_trials()
    assert record.state == "complete"
    assert (slurm.folder / "results/one/report/index.html").is_file()


def test_slurm_job_of_two_nodes_at_its_time_limit_is_requeued_and_resumes(
    slurm: SlurmCluster,
) -> None:
    # Long enough that no trial is complete when the signal arrives.
    words = ["grid", "--data-file", "cells.npz", "--max-epochs", "30", "--patience", "30"]
    words += ["--config", "cnn-config-1", "--config", "cnn-config-2"]
    job = slurm.submit("--nodes=2", "--exclusive", f"{ROOT}/slurm.sbatch", "two", *words)
    slurm.wait_for(lambda: "epoch 2/30" in slurm.read_output(job), job)
    slurm.run("scancel", "--batch", "--signal=USR1", job)  # as Slurm does before the time limit
    slurm.wait_for_state("PENDING", job)
    slurm.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # instead of in two minutes
    slurm.wait_for_state("COMPLETED", job)
    assert slurm.read_state(job)["Restarts"] == "1"
    assert re.search(r"resumes after epoch \d+", slurm.read_output(job))
    records = Ledger(slurm.folder / "results/two").read_trials()
    assert [record.state for record in records] == ["complete"] * 2
    assert {record.host for record in records} == {node.name for node in slurm.nodes}
    slurm.wait_for(lambda: not any(node.list_processes("raylet") for node in slurm.nodes), job)
