"""What a study is, for its ledger: data, plan, versions, hardware, and a fingerprint of them."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from bloodnets.data.medmnist import BloodCells
from reports.ledger.records import SCHEMA_VERSION, StudyRecord, compute_fingerprint
from study.configs.study_config import GridConfig, SearchConfig
from study.datasets.data_record import make_data_record
from study.runtime.resources import count_available_cores

LIBRARIES = ("bloodstudy", "torch", "numpy", "scikit-learn", "ray", "medmnist")


def make_study_record(
    config: GridConfig | SearchConfig, cells: BloodCells, command: tuple[str, ...]
) -> StudyRecord:
    """The study's record, made before its first trial.

    Args:
        config: what to do.
        cells: the data.
        command: the words that the user typed.
    """
    data = make_data_record(cells)
    versions = {"python": platform.python_version()}
    search = config.search if isinstance(config, SearchConfig) else None
    libraries = (*LIBRARIES, "optuna") if search else LIBRARIES
    versions |= {library: version(library) for library in libraries}
    trials = config.plan_trials() if isinstance(config, GridConfig) else ()
    return StudyRecord(
        schema_version=SCHEMA_VERSION,
        name=config.name,
        kind="search" if search else "grid",
        fingerprint=compute_fingerprint(data, [trial.id for trial in trials], versions, search),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        data=data,
        trials=trials,
        versions=versions,
        hardware=_describe_hardware(config),
        search=search,
    )


def _describe_hardware(config: GridConfig | SearchConfig) -> dict[str, str]:
    """This machine in words; of a cluster, the one that the command runs on."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "cpu": _read_cpu_model(),
        "cores": str(count_available_cores()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "gpus": ", ".join(gpus) or "none",
        "cluster": config.address or "none: this machine alone",
        "per trial": f"{config.cpus_per_trial} CPU, {config.gpus_per_trial or 0:g} GPU",
    }


def _read_cpu_model() -> str:
    # platform.processor() is empty on most Linux systems.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
