"""Test studies that run on a cluster without a terminal: as Ray jobs, and in tmux."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.states import TrialState
from tests.cluster.conftest import TOKEN_ENV, make_ssh_key, serve_ssh, write_cluster_file
from tests.helpers.network_namespaces import NamespaceNode, run_namespace_nodes, share_token

JOB_ENV = TOKEN_ENV | {"RAY_API_SERVER_ADDRESS": "http://127.0.0.1:8265"}
RAY_JOB = ("ray", "job")
LONGER_STOP = '{"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "60"}}'
GRID = "bloodstudy grid --data-file /root/cells.npz"
# The command waits for a line, so that its connection ends before it does.
IN_TMUX = f"read -r line < go && {GRID} --dry-run > plan"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Cluster of one node, which `ray up` started from a laptop."""

    laptop: NamespaceNode
    head: NamespaceNode

    def run_job_command(
        self, action: str, *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `ray job` on the laptop; with `submit`, wait for the end of the job."""
        return self.laptop.run([*RAY_JOB, action, *words], env=JOB_ENV, check=check, timeout_s=240)

    def read_log(self, job: str) -> str:
        path = f"/tmp/ray/session_latest/logs/job-driver-{job}.log"
        return self.head.run(["cat", path], check=False).stdout


def wait_until(is_reached: Callable[[], object], describe: Callable[[], str]) -> None:
    deadline = time.monotonic() + 120
    while not is_reached():
        if time.monotonic() > deadline:
            pytest.fail(describe())
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[Cluster]:
    if not shutil.which("tmux"):
        pytest.skip("not installed: tmux")
    key = make_ssh_key(tmp_path_factory.mktemp("keys"))
    with run_namespace_nodes(2) as (laptop, head):
        share_token(laptop, [])
        laptop.write_file("key", key.read_text())
        shutil.copy(data_file, head.home / "cells.npz")
        serve_ssh(head, key.with_suffix(".pub").read_text(), {})
        write_cluster_file(laptop, [head])
        laptop.run(["ray", "up", "--yes", "--no-config-cache", "cluster.yaml"], timeout_s=200)
        yield Cluster(laptop, head)


@pytest.fixture(scope="module")
def jobs(cluster: Cluster) -> Iterator[Cluster]:
    """Yield the cluster while its dashboard is forwarded to the laptop."""
    command, null = ["ray", "dashboard", "cluster.yaml"], subprocess.DEVNULL
    connect = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8265"]
    with cluster.laptop.start_process(command, stdout=null, stderr=null) as process:
        try:
            wait_until(
                lambda: cluster.laptop.run(connect, check=False).returncode == 0,
                lambda: "the dashboard is not forwarded",
            )
            yield cluster
        finally:
            process.kill()


def end_connections(head: NamespaceNode) -> None:
    """Kill the processes that serve the SSH connections to a node, but not the SSH server."""
    lines = head.run(["ps", "-eww", "-o", "pid=,args="]).stdout.splitlines()
    pids = [line.split()[0] for line in lines if re.search(r"sshd: root@", line)]
    assert pids
    head.run(["kill", "-9", *pids])


def test_command_in_tmux_survives_the_end_of_its_connection(cluster: Cluster) -> None:
    laptop, head = cluster.laptop, cluster.head
    head.run(["mkfifo", "go"])
    laptop.run(["ray", "exec", "cluster.yaml", "--tmux", IN_TMUX])
    end_connections(head)  # also the one that a forwarded dashboard would use
    head.run(["bash", "-c", "echo > go"], timeout_s=20)  # waits for a reader
    plan = head.home / "plan"
    wait_until(
        lambda: plan.is_file() and "cnn-config-4" in plan.read_text(),
        lambda: head.run(["tmux", "capture-pane", "-p"]).stdout,
    )
    assert "cnn-config-4" in plan.read_text()


@pytest.mark.timeout(700)
def test_stopped_job_is_resumed_by_another_job(jobs: Cluster) -> None:
    grid = f"{GRID} --config cnn-config-1 --max-epochs 16 --name stopped".split()
    options = ["--submission-id", "first", "--runtime-env-json", LONGER_STOP]
    command, null = [*RAY_JOB, "submit", *options, "--", *grid], subprocess.DEVNULL
    with jobs.laptop.start_process(command, env=JOB_ENV, stdout=null, stderr=null) as terminal:
        wait_until(
            lambda: re.search(r": epoch 1/16", jobs.read_log("first")),
            lambda: jobs.read_log("first"),
        )
        terminal.send_signal(signal.SIGHUP)  # the terminal is closed
    assert "Job 'first' was stopped" in jobs.run_job_command("stop", "first").stdout
    log = jobs.read_log("first")
    assert re.search(r"^bloodstudy: interrupted; .*bloodstudy resume stopped", log, re.MULTILINE)
    assert "\x1b" not in log
    assert "Ctrl-C" not in log
    ledger = Ledger(jobs.head.home / "results/stopped")
    (trial,) = ledger.study.trials
    assert ledger.read_trial(trial) is None
    checkpoint_epochs = ledger.read_checkpoint_epochs(trial.id)
    assert checkpoint_epochs

    words = ("--submission-id", "second", "--", "bloodstudy", "resume", "stopped")
    resumed = jobs.run_job_command("submit", *words)
    assert "Job 'second' succeeded" in resumed.stdout
    assert f": resumes after epoch {len(checkpoint_epochs)}\n" in resumed.stdout
    (record,) = ledger.read_trials()
    assert record.state is TrialState.COMPLETE
    assert len(ledger.read_epochs(record.id)) == record.epochs
    assert (ledger.folder / "report/index.html").is_file()


def test_job_with_a_study_in_its_working_directory_fails(jobs: Cluster) -> None:
    jobs.laptop.write_file("project/notes.txt", "")
    words = ["--working-dir", "project", "--", *GRID.split(), "--name", "lost"]
    job = jobs.run_job_command("submit", "--submission-id", "lost", *words, check=False)
    assert job.returncode == 1
    assert "Job 'lost' failed" in job.stdout
    assert "failed with exit code 3" in job.stdout
    assert "--storage" in job.stdout


def test_ray_lacks_the_command_with_which_exec_stops_workers() -> None:
    """Check the reason for which the documentation advises against `ray exec --stop`."""
    ray = Path(sys.executable).with_name("ray")
    done = subprocess.run([ray, "teardown", "--help"], capture_output=True, check=False)
    assert done.returncode == 2
