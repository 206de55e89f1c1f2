"""Describe a new study for its ledger: data, plan, resources, hardware and software."""

from datetime import UTC, datetime

import psutil

from bloodnets.data.medmnist import BloodCells
from bloodnets.versions import LIBRARIES
from reports.ledger.records import (
    SCHEMA_VERSION,
    HardwareRecord,
    ResourcesRecord,
    StudyRecord,
    compute_fingerprint,
)
from reports.ledger.states import StudyKind
from study.configs.study_config import GridConfig, SearchConfig
from study.datasets.data_record import make_data_record
from study.runtime.cores import count_available_cores, read_cpu_model
from study.runtime.gpus import find_gpus
from study.runtime.software import collect_software


def make_study_record(
    config: GridConfig | SearchConfig, cells: BloodCells, command: tuple[str, ...]
) -> StudyRecord:
    """Return the record of a new study.

    Args:
        config: Checked settings. A `gpus_per_trial` of None is recorded as 0.
        cells: Data of the study.
        command: Words of the command line, recorded for readers of the ledger.
    """
    data = make_data_record(cells)
    search = config.search if isinstance(config, SearchConfig) else None
    grid = config.to_record() if isinstance(config, GridConfig) else None
    trials = config.plan_trials() if isinstance(config, GridConfig) else ()
    software = collect_software((*LIBRARIES, "optuna") if search else LIBRARIES)
    return StudyRecord(
        schema_version=SCHEMA_VERSION,
        name=config.name,
        kind=StudyKind.SEARCH if search else StudyKind.GRID,
        fingerprint=compute_fingerprint(data, [trial.id for trial in trials], software, search),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        data=data,
        trials=trials,
        grid=grid,
        search=search,
        resources=ResourcesRecord(
            cpus_per_trial=config.cpus_per_trial,
            gpus_per_trial=config.gpus_per_trial or 0.0,
            max_concurrent=config.max_concurrent,
            cluster_address=config.address,
        ),
        hardware=_collect_hardware(),
        software=software,
    )


def _collect_hardware() -> HardwareRecord:
    return HardwareRecord(
        cpu=read_cpu_model(),
        cores=count_available_cores(),
        memory_mib=psutil.virtual_memory().total // 2**20,
        gpus=find_gpus(),
    )
