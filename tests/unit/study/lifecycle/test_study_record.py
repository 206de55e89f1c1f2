"""A new study's record: data, plan, resources, hardware and software."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from bloodnets.data.medmnist import BloodCells
from reports.ledger.records import compute_fingerprint
from reports.ledger.states import StudyKind
from study.datasets.data_record import make_data_record
from study.lifecycle.study_record import make_study_record
from study.runtime.cores import count_available_cores
from study.runtime.software import hash_sources
from tests.helpers.study_configs import make_grid_config, make_search_config


def test_make_study_record_of_a_grid_has_its_plan_and_settings(
    tmp_path: Path, cells: BloodCells
) -> None:
    config = make_grid_config(tmp_path, seeds=2, max_concurrent=3, gpus_per_trial=None)
    record = make_study_record(config, cells, ("bloodstudy", "grid"))
    assert (record.name, record.kind, record.search) == ("s", StudyKind.GRID, None)
    assert record.trials == config.plan_trials()
    assert record.grid == config.to_record()
    assert record.data == make_data_record(cells)
    assert record.command == ("bloodstudy", "grid")
    assert (record.resources.max_concurrent, record.resources.gpus_per_trial) == (3, 0.0)


def test_make_study_record_of_a_search_has_no_plan(tmp_path: Path, cells: BloodCells) -> None:
    config = make_search_config(tmp_path)
    record = make_study_record(config, cells, ())
    assert (record.kind, record.trials, record.grid) == (StudyKind.SEARCH, (), None)
    assert record.search == config.search
    assert record.software.versions["optuna"] == version("optuna")


def test_make_study_record_describes_hardware_and_software(
    tmp_path: Path, cells: BloodCells
) -> None:
    record = make_study_record(make_grid_config(tmp_path), cells, ())
    assert record.hardware.cores == count_available_cores()
    assert record.hardware.memory_mib > 0
    assert record.hardware.cpu
    assert record.software.versions["torch"] == version("torch")
    assert record.software.sources == hash_sources()


def test_make_study_record_fingerprint_depends_on_data_and_plan(
    tmp_path: Path, cells: BloodCells
) -> None:
    record = make_study_record(make_grid_config(tmp_path), cells, ())
    ids = [trial.id for trial in record.trials]
    assert record.fingerprint == compute_fingerprint(record.data, ids, record.software, None)
    others = (
        make_study_record(make_grid_config(tmp_path, max_epochs=2), cells, ()),
        make_study_record(make_grid_config(tmp_path), replace(cells, sha256="f" * 64), ()),
    )
    assert record.fingerprint not in {other.fingerprint for other in others}
