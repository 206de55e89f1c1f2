"""A study compared with the published one: verdicts that follow from planted scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.reproduction import MAX_HALF_WIDTH, Verdict, compare_with_published
from reports.claims.judged_study import select_published_trials
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.states import DataKind, StopReason
from tests.helpers.grid_builder import (
    build_grid,
    make_published_matrices,
    remove_class,
    worsen_matrix,
)
from tests.helpers.paper import WEIGHTED_F1


def read_study(folder: Path, n_moved: int, *, n_seeds: int = 3) -> LoadedStudy:
    """Return configurations 1 of both families, `n_moved` images per class worse than published."""
    matrices = {
        name: [worsen_matrix(own[0], n_moved=n_moved + 2 * seed) for seed in range(n_seeds)]
        for name, own in make_published_matrices().items()
        if name.endswith("-1")
    }
    return read_study_files(build_grid(folder, matrices))


def compare(study: LoadedStudy) -> pd.DataFrame:
    return compare_with_published(study, bootstrap_scores(study.predictions))


@pytest.fixture(scope="module")
def equal_study(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    """A study whose first seeds have the published matrices."""
    return read_study(tmp_path_factory.mktemp("equal") / "s", 0)


@pytest.fixture(scope="module")
def equal_bootstrap(equal_study: LoadedStudy) -> BootstrapScores:
    return bootstrap_scores(equal_study.predictions)


def test_compare_with_published_equal_score_is_compatible(
    equal_study: LoadedStudy, equal_bootstrap: BootstrapScores
) -> None:
    frame = compare_with_published(equal_study, equal_bootstrap)
    assert frame["configuration"].tolist() == ["mlnn-config-1", "cnn-config-1"]
    assert frame["verdict"].tolist() == [Verdict.COMPATIBLE] * 2
    np.testing.assert_allclose(frame["p_holm"], multipletests(frame["p"], method="holm")[1])
    assert frame["published"].tolist() == [WEIGHTED_F1[0], WEIGHTED_F1[4]]
    assert frame["recomputed"].tolist() == pytest.approx([0.8866, 0.9420], abs=0.00006)
    assert (frame["prediction_interval_low"] < frame["score_low"]).all()
    assert (frame["prediction_interval_high"] > frame["score_high"]).all()
    row = frame.iloc[1]
    half_width = (row["recomputed_high"] - row["recomputed_low"]) / 2
    # Weighted F1 of 0.942 on 3,421 images varies about as the accuracy does: 1.96 sqrt(pq/n).
    assert half_width == pytest.approx(1.96 * (0.942 * 0.058 / 3421) ** 0.5, rel=0.05)


@pytest.mark.parametrize("step", [0, 30])
def test_compare_with_published_prediction_interval_is_that_of_images_or_of_seeds(
    tmp_path: Path, step: int
) -> None:
    """With equal seeds the images of both are all; far apart, the new run's seed is nearly all."""
    (own,) = make_published_matrices()["cnn-config-1"]
    matrices = {"cnn-config-1": [worsen_matrix(own, n_moved=step * seed) for seed in range(3)]}
    study = read_study_files(build_grid(tmp_path / "s", matrices))
    bootstrap = bootstrap_scores(study.predictions)
    (row,) = compare_with_published(study, bootstrap).to_dict("records")
    sd = bootstrap.values["weighted_f1"].std(ddof=1)
    of_seeds = stats.t.ppf(0.975, 2) * sd * (1 + 1 / 3) ** 0.5
    of_images = 1.96 * (2 * 0.942 * 0.058 / 3421) ** 0.5
    half_width = row["score"] - row["prediction_interval_low"]  # the other end may be 1
    assert half_width == pytest.approx(of_seeds if step else of_images, rel=0.1)


def test_compare_with_published_score_far_below_is_incompatible(tmp_path: Path) -> None:
    frame = compare(read_study(tmp_path / "s", 40))
    assert frame["verdict"].tolist() == [Verdict.INCOMPATIBLE] * 2
    assert (frame["p_holm"] < 0.05).all()
    assert (frame["published"] > frame["prediction_interval_high"]).all()


def test_compare_with_published_wide_interval_is_uninformative(tmp_path: Path) -> None:
    """An interval that contains everything reproduces nothing."""
    (own,) = make_published_matrices()["cnn-config-1"]
    matrices = {"cnn-config-1": [worsen_matrix(own, n_moved=n) for n in (0, 60)]}
    (row,) = compare(read_study_files(build_grid(tmp_path / "s", matrices))).to_dict("records")
    low, high = row["prediction_interval_low"], row["prediction_interval_high"]
    assert low < row["published"] < high
    assert high == 1
    assert high - low > MAX_HALF_WIDTH
    assert row["verdict"] == Verdict.UNINFORMATIVE


@pytest.mark.parametrize(
    ("n_moved", "verdict"), [(40, Verdict.UNINFORMATIVE), (0, Verdict.COMPATIBLE)]
)
def test_compare_with_published_one_seed_outside_is_uninformative(
    tmp_path: Path, n_moved: int, verdict: Verdict
) -> None:
    study = read_study(tmp_path / "s", n_moved, n_seeds=1)
    assert compare(study)["verdict"].tolist() == [verdict, verdict]


def test_compare_with_published_has_p_below_5_percent_outside_of_the_interval(
    equal_study: LoadedStudy, equal_bootstrap: BootstrapScores, tmp_path: Path
) -> None:
    frames = [
        compare_with_published(equal_study, equal_bootstrap),
        *(compare(read_study(tmp_path / str(n), n)) for n in (8, 12, 16)),
    ]
    frame = pd.concat(frames)
    is_inside = frame["published"].between(
        frame["prediction_interval_low"], frame["prediction_interval_high"]
    )
    assert is_inside.tolist() == (frame["p"] > 0.05).tolist()
    assert is_inside.nunique() == 2


def test_compare_with_published_other_data_are_not_comparable_and_synthetic_ones_left_out(
    equal_study: LoadedStudy, equal_bootstrap: BootstrapScores
) -> None:
    def compare_kind(kind: DataKind) -> pd.DataFrame:
        data = replace(equal_study.study.data, kind=kind)
        study = replace(equal_study, study=replace(equal_study.study, data=data))
        return compare_with_published(study, equal_bootstrap)

    assert compare_kind(DataKind.FILE)["verdict"].tolist() == [Verdict.NOT_COMPARABLE] * 2
    assert compare_kind(DataKind.SYNTHETIC).empty


def test_compare_with_published_at_the_epoch_limit_is_undecided(
    equal_study: LoadedStudy, equal_bootstrap: BootstrapScores
) -> None:
    key = next(key for key in equal_study.records if key.startswith("mlnn-config-1"))
    limited = replace(equal_study.records[key], stop_reason=StopReason.MAX_EPOCHS)
    study = replace(equal_study, records={**equal_study.records, key: limited})
    frame = compare_with_published(study, equal_bootstrap)
    assert frame["verdict"].tolist() == [Verdict.UNDECIDED, Verdict.COMPATIBLE]


def test_compare_with_published_configuration_without_a_trial_is_listed(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=[("cnn-config-1", 0)])
    (row,) = compare(read_study_files(ledger)).to_dict("records")
    assert (row["replicates"], row["verdict"]) == (0, Verdict.UNINFORMATIVE)
    assert np.isnan([row["p"], row["p_holm"], row["score"]]).all()


def test_compare_with_published_without_a_class_is_empty(tmp_path: Path) -> None:
    matrix = remove_class(make_published_matrices()["cnn-config-1"][0], 3)
    study = read_study_files(build_grid(tmp_path / "s", {"cnn-config-1": [matrix]}))
    assert compare(study).empty
    assert not select_published_trials(study).study.trials
