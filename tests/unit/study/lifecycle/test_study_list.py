"""The studies of a folder, each with its progress and its best score."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from bloodnets.errors import ConflictError
from bloodnets.storage.location import RemotePath
from reports.ledger.ledger import Ledger
from reports.ledger.states import DataKind, StudyKind
from study.lifecycle.study_list import describe_study, list_study_names
from study.runtime.lock import lock_study
from tests.helpers.grid_builder import ASYMMETRIC, MEDMNIST_FILE, build_grid, worsen_matrix
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.search_builder import SEARCH_RECORD, build_search

MATRICES = {"cnn-config-1": [ASYMMETRIC] * 3}
SMALL_SEARCH = replace(SEARCH_RECORD, n_trials=3, retrain_top=1, retrain_seeds=2)


def test_list_study_names_other_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("b", "a"):
        build_grid(tmp_path / name, MATRICES)
    (tmp_path / "a+b").mkdir()
    (tmp_path / "file").write_text("x")
    assert list_study_names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_list_study_names_without_a_study_is_empty(tmp_path: Path, folder: str) -> None:
    assert list_study_names(tmp_path / folder) == []


def test_describe_study_at_an_address_has_its_score(tmp_path: Path, running: S3Server) -> None:
    root = RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}")
    build_grid(root / "stored", MATRICES)
    assert list_study_names(root) == ["stored"]
    study = describe_study(Ledger(root / "stored"))
    assert (study.ended, study.is_running) == (3, None)
    assert study.best is not None
    assert study.best.replicates == 3


def test_describe_study_counts_ended_planned_and_failed_trials(tmp_path: Path) -> None:
    ledger = build_grid(
        tmp_path / "g",
        MATRICES,
        kind=DataKind.FILE,
        missing_trials=[("cnn-config-1", 2)],
        failed_trials={("cnn-config-1", 1): "out of memory"},
    )
    study = describe_study(ledger)
    assert (study.name, study.kind, study.data) == ("g", StudyKind.GRID, ledger.study.data.name)
    assert study.data_sha256 == ledger.study.data.sha256
    assert (study.ended, study.planned, study.failed) == (2, 3, 1)
    assert study.changed_at == ledger.log.read_events()[-1].logged_at
    assert study.best is not None
    assert (study.best.replicates, study.best.macro_f1_sd) == (1, None)


def test_describe_study_of_medmnist_has_the_title_of_its_data_set(tmp_path: Path) -> None:
    study = describe_study(build_grid(tmp_path / "g", MATRICES, kind=DataKind.MEDMNIST))
    assert (study.data_kind, study.data) == (DataKind.MEDMNIST, MEDMNIST_FILE.file_name)
    assert study.data_title == MEDMNIST_FILE.title


def test_describe_study_best_is_chosen_on_val_and_scored_on_test(tmp_path: Path) -> None:
    worse = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (8, 10)]
    matrices = {"mlnn-config-1": worse, "cnn-config-1": [ASYMMETRIC, worse[0]]}
    ledger = build_grid(tmp_path / "g", matrices)
    best = describe_study(ledger).best
    assert best is not None
    assert (best.configuration, best.split, best.replicates) == ("cnn-config-1", "test", 2)
    scores = [
        record.scores["test"]["macro_f1"] or 0
        for record in ledger.read_trials()
        if record.configuration == "cnn-config-1"
    ]
    assert best.macro_f1 == pytest.approx(fmean(scores))
    assert best.macro_f1_sd == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)


def test_describe_study_without_a_complete_trial_has_no_best(tmp_path: Path) -> None:
    missing = [("cnn-config-1", seed) for seed in range(3)]
    assert describe_study(build_grid(tmp_path / "g", MATRICES, missing_trials=missing)).best is None


def test_describe_study_unfinished_search_has_a_score_on_val(tmp_path: Path) -> None:
    search = replace(SMALL_SEARCH, n_trials=4)
    study = describe_study(build_search(tmp_path / "s", search=search, ended_by=None))
    assert (study.kind, study.planned) == (StudyKind.SEARCH, 4)
    assert study.best is not None
    assert study.best.split == "val"


def test_describe_study_search_has_the_score_of_its_winner(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=SMALL_SEARCH)
    confirmation, best = ledger.read_confirmation(), describe_study(ledger).best
    assert confirmation is not None
    assert best is not None
    assert (best.configuration, best.split) == (confirmation.best[0], "test")
    assert best.replicates == SMALL_SEARCH.retrain_seeds


def test_describe_study_damaged_record_raises(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "g", MATRICES)
    next((tmp_path / "g" / "trials").iterdir()).write_text("{}")
    with pytest.raises(ConflictError):
        describe_study(ledger)


def test_describe_study_locked_study_is_running(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "g", MATRICES)
    assert describe_study(ledger).is_running is False
    with lock_study(ledger.location):
        assert describe_study(ledger).is_running is True


def test_describe_study_of_version_3_changed_at_its_last_end() -> None:
    ledger = Ledger(Path(__file__).parents[3] / "data" / "version-3" / "study")
    assert describe_study(ledger).changed_at > ledger.study.created_at
