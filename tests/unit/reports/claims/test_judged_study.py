"""Claims are judged by the trials whose settings the paper gives, and by no other."""

from pathlib import Path

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import bootstrap_scores
from reports.claims.all_claims import judge_claims
from reports.claims.judged_study import JudgedStudy, judge_study, select_published_trials
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.states import DataKind
from tests.helpers.grid_builder import build_grid
from tests.helpers.planted_study import ADAM, MLNN_SGD, SGD, make_cyclic_matrices

OTHER_SETTINGS = {"learning_rate": 0.5, "dropout": 0.6}


def judge(ledger: Ledger) -> JudgedStudy | None:
    study = read_study_files(ledger)
    return judge_study(study, bootstrap_scores(study.predictions))


def build_mixed(folder: Path) -> LoadedStudy:
    """Return a study of two published configurations and another one."""
    matrices = {
        SGD: make_cyclic_matrices(45),
        MLNN_SGD: make_cyclic_matrices(35),
        "other": make_cyclic_matrices(20),
    }
    return read_study_files(
        build_grid(folder, matrices, config_overrides={"other": OTHER_SETTINGS})
    )


def test_judge_study_of_synthetic_cells_is_none(tmp_path: Path) -> None:
    matrices = {SGD: make_cyclic_matrices(45)}
    assert judge(build_grid(tmp_path / "s", matrices, kind=DataKind.SYNTHETIC)) is None


def test_judge_study_of_other_settings_is_none(tmp_path: Path) -> None:
    matrices = {name: make_cyclic_matrices(20) for name in ("a", "b")}
    overrides = dict.fromkeys(matrices, OTHER_SETTINGS)
    assert judge(build_grid(tmp_path / "s", matrices, config_overrides=overrides)) is None


def test_judge_study_with_a_failed_trial_counts_the_others_and_names_what_is_missing(
    tmp_path: Path,
) -> None:
    matrices = {
        SGD: make_cyclic_matrices(45, 44, 46),
        MLNN_SGD: make_cyclic_matrices(35, 36, 34),
        ADAM: make_cyclic_matrices(45),
    }
    failed = {(SGD, 1): "loss is nan in epoch 3, step 5", (ADAM, 0): "killed"}
    judged = judge(build_grid(tmp_path / "s", matrices, kind=DataKind.FILE, failed_trials=failed))
    assert judged is not None
    assert judged.n_trials == 5
    assert judged.missing_names == [ADAM]
    assert [claim.verdict for claim in judged.claims][:2] == ["supported", "supported"]


def test_judge_study_ignores_trials_with_other_settings(tmp_path: Path) -> None:
    study = build_mixed(tmp_path / "s")
    judged = judge_study(study, bootstrap_scores(study.predictions))
    assert judged is not None
    assert judged.n_trials == 2
    published = select_published_trials(study)
    expected = judge_claims(published, bootstrap_scores(published.predictions))
    for claim, expected_claim in zip(judged.claims, expected, strict=True):
        assert claim.verdict == expected_claim.verdict
        pd.testing.assert_frame_equal(claim.numbers, expected_claim.numbers)


def test_select_published_trials_keeps_the_files_of_published_settings(tmp_path: Path) -> None:
    study = build_mixed(tmp_path / "s")
    part = select_published_trials(study)
    assert part.predictions.configurations == [SGD, MLNN_SGD]
    assert [trial.configuration for trial in part.study.trials] == [SGD, MLNN_SGD]
    assert set(part.epochs) == set(part.records) == set(part.predictions.trials["id"])
    np.testing.assert_array_equal(
        part.predictions.predicted_classes, study.predictions.predicted_classes[:2]
    )
