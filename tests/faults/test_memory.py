"""Test a trial that takes all memory: only that trial fails, with the right label."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import FaultRow
from tests.faults.studies import StudyRunner
from tests.helpers.command import Command

# The normal command, except that training mlnn-config-4 takes more and more memory.
HOG = """
import time
import study.tuning.tuner
from bloodnets.messages import read_spec
from bloodnets.trainable import run_trial
def run_trial_or_take_memory(tune_config, *, cells):
    blocks = []
    while read_spec(tune_config).configuration == "mlnn-config-4":
        blocks.append(b"x" * 2**26)
        time.sleep(0.05)
    run_trial(tune_config, cells=cells)
study.tuning.tuner.run_trial = run_trial_or_take_memory
study.tuning.tuner.MAX_RETRIES = 1
from study.cli.main import main
main()
"""
BOUND = 4 * 2**30
"""Memory limit in bytes: twice what the whole study takes without the hog."""
CONFIGURATIONS = ("cnn-config-2", "mlnn-config-2", "mlnn-config-4")
OPTIONS = [word for name in CONFIGURATIONS for word in ("--config", name)] + ["--max-epochs", "2"]


def run_with_hog(study: StudyRunner, *, group: Path | None = None, **environment: str) -> int:
    """Return the exit code of the study with the hog, in a control group if there is one."""
    join = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')" if group is not None else ""
    command = Command(
        *study.arguments,
        stdout_path=study.log_path,
        stderr_path=study.log_path,
        program=f"{join}\n{HOG}",
        environment=environment,
    )
    return command.wait(280)


def ended(study: StudyRunner) -> dict[str, str]:
    """Return the state of each configuration's trial, or its error if it failed."""
    return {trial.configuration: trial.error or trial.state for trial in study.ledger.read_trials()}


def but_one(label: str) -> dict[str, str]:
    """Return the expected outcome: all trials are complete except the hog."""
    return dict.fromkeys(CONFIGURATIONS, "complete") | {"mlnn-config-4": label}


def test_trial_killed_by_rays_memory_monitor_is_the_only_one_that_fails(
    tmp_path: Path, data_file: Path, row: FaultRow
) -> None:
    memory = psutil.virtual_memory()
    threshold = (memory.total - memory.available + BOUND) / memory.total
    if threshold > 1:
        pytest.skip(f"needs {BOUND / 2**30:.0f} GiB of free memory")
    study = StudyRunner(tmp_path, data_file, "s", *OPTIONS)
    exit_code = run_with_hog(study, RAY_memory_usage_threshold=f"{threshold:.4f}")
    label = "out of memory: killed by Ray's memory monitor"
    assert exit_code == 1, study.stderr_text
    assert ended(study) == but_one(label)
    reached = f"2 of 3 done; the other failed: {label}"
    row("a trial out of memory, Ray's killer", "only that trial fails, labeled so", reached)


@pytest.fixture
def group() -> Iterator[Path]:
    """Yield a control group with limited memory; processes join it by its file `cgroup.procs`."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    bound = "memory.limit_in_bytes" if old.is_dir() else "memory.max"
    folder = (old if old.is_dir() else new) / f"bloodstudy-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / bound).write_text(str(BOUND))
    except OSError as error:
        pytest.skip(f"only root, with control groups, can bound memory: {error}")
    yield folder
    psutil.wait_procs([psutil.Process(int(pid)) for pid in members(folder)], timeout=90)
    folder.rmdir()


def members(folder: Path) -> list[str]:
    return [
        pid for pid in (folder / "cgroup.procs").read_text().split() if psutil.pid_exists(int(pid))
    ]


def test_trial_killed_by_the_kernel_is_the_only_one_that_fails(
    tmp_path: Path, data_file: Path, group: Path, row: FaultRow
) -> None:
    study = StudyRunner(tmp_path, data_file, "s", *OPTIONS)

    # Ray's memory monitor is off: it watches the whole machine, whose memory is not short.
    exit_code = run_with_hog(study, group=group, RAY_memory_monitor_refresh_ms="0")
    label = "out of memory: killed by the kernel"
    assert exit_code == 1, study.stderr_text
    assert ended(study) == but_one(label)
    reached = f"2 of 3 done; the other failed: {label}"
    row("a trial out of memory, the kernel's killer", "only that trial fails, labeled so", reached)
