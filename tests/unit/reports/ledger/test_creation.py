"""Creation of a study: whole or not at all, and never over another study."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def test_create_study_over_another_study_raises_and_leaves_it_unchanged(ledger: Ledger) -> None:
    before = (ledger.folder / "study.json").read_bytes()
    with pytest.raises(ConflictError) as caught:
        create_study(ledger.folder, replace(ledger.study, name="new"))
    assert caught.value.path == str(ledger.folder)
    assert "--name" in (caught.value.remedy or "")
    assert (ledger.folder / "study.json").read_bytes() == before


def test_create_study_below_a_file_raises_with_its_path(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError) as caught:
        create_study(tmp_path / "file" / "study", ledger.study)
    assert caught.value.path == str(tmp_path / "file")


def test_create_study_returns_a_ledger_without_trials(ledger: Ledger, tmp_path: Path) -> None:
    created = create_study(tmp_path / "new", ledger.study)
    assert created.study == ledger.study
    assert created.list_planned_trials() == list(ledger.study.trials)
    assert created.read_trials() == []
