"""Files of a study: opened only with a study of a readable version."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from reports.ledger.study_files import StudyFiles


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def test_study_files_of_another_schema_version_raise(ledger: Ledger) -> None:
    path = ledger.folder / "study.json"
    path.write_bytes(to_json(replace(ledger.study, schema_version=99), indent=None))
    with pytest.raises(ConflictError) as caught:
        StudyFiles(ledger.folder)
    assert (caught.value.path, caught.value.value) == (str(path), 99)


def test_study_files_of_a_folder_without_a_study_raise(tmp_path: Path) -> None:
    with pytest.raises(ConflictError) as caught:
        StudyFiles(tmp_path)
    assert caught.value.path == str(tmp_path)
