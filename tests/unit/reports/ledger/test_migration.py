"""Migration: a study that version 0.2.0 wrote is read without changing its files."""

import json
import shutil
from pathlib import Path

import pytest

from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.migration import READABLE_VERSIONS, migrate
from reports.ledger.records import SCHEMA_VERSION, EpochRecord, TrialRecord
from tests.helpers.small_studies import VERSION_3_DIR, edit_json, write_version_4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a study of version 3: a grid of two trials, the first one complete."""
    return shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_ledger_of_version_3_is_read_with_none_for_new_facts_and_unchanged_files(
    folder: Path,
) -> None:
    before = read_files(folder)
    ledger = Ledger(folder)
    (record,) = ledger.read_trials()
    assert ledger.study.schema_version == SCHEMA_VERSION
    assert record.versions is None
    data = ledger.study.data
    assert (data.dropped, data.duplicates, data.groups) == (None, None, None)
    assert record.scores["test"]["accuracy"] == 0.125
    assert len(ledger.read_epochs(record.id)) == 1
    assert read_files(folder) == before


@pytest.mark.parametrize("version", [2, SCHEMA_VERSION + 1, "3", 3.0, True])
def test_ledger_of_an_unreadable_version_raises_with_the_version(
    folder: Path, version: object
) -> None:
    edit_json(folder / "study.json", ("schema_version",), lambda _: version)
    with pytest.raises(ConflictError) as caught:
        Ledger(folder)
    assert caught.value.path == str(folder / "study.json")
    assert caught.value.value == version
    assert caught.value.remedy is not None


def test_ledger_of_version_3_with_a_damaged_trial_raises_with_its_path(folder: Path) -> None:
    (path,) = (folder / "trials").iterdir()
    for content in (b"", b"[]", b"{", b"\xff{}", b'{"id": 1}'):
        path.write_bytes(content)
        with pytest.raises(ConflictError) as caught:
            Ledger(folder).read_trials()
        assert caught.value.path == str(path)


@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_migrate_of_a_record_that_has_not_changed_returns_its_text(version: int) -> None:
    text = b'{"epoch": 1}'
    assert migrate(EpochRecord, text, version) == text


def test_migrate_of_a_converted_record_keeps_its_values() -> None:
    text = json.dumps({"versions": {"torch": "2.13.0"}}).encode()
    assert json.loads(migrate(TrialRecord, text, 3)) == json.loads(text)


def test_ledger_of_version_4_has_color_images_of_28_pixels(grid_copy: Path) -> None:
    before = Ledger(grid_copy)
    write_version_4(grid_copy)
    content = read_files(grid_copy)
    ledger = Ledger(grid_copy)
    assert ledger.study == before.study
    assert ledger.study.data.shape == BLOODMNIST_SHAPE
    assert ledger.read_trials() == before.read_trials()
    assert ledger.files.has_log
    assert read_files(grid_copy) == content
