"""Ours beside the published: verdicts that follow from planted scores."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.reproduction import compare_with_published
from reports.ledger.loading import read_study_files
from reports.ledger.states import DataKind
from tests.helpers import grid_builder
from tests.unit.reports.ledger.test_published import WEIGHTED_F1


def compare(
    folder: Path, moved: int, *, seeds: int = 3, kind: DataKind = DataKind.OFFICIAL
) -> pd.DataFrame:
    """Compare configurations 1 of both families, `moved` images per class worse than published."""
    matrices = {
        name: [
            grid_builder.worsen_matrix(own[0], n_moved=moved + 2 * seed) for seed in range(seeds)
        ]
        for name, own in grid_builder.make_published_matrices().items()
        if name.endswith("-1")
    }
    loaded_study = read_study_files(grid_builder.build_grid(folder, matrices, kind=kind))
    return compare_with_published(loaded_study, bootstrap_scores(loaded_study.predictions))


def test_compare_with_published_equal_score_is_inside(tmp_path: Path) -> None:
    frame = compare(tmp_path / "s", 0)
    assert frame["configuration"].tolist() == ["mlnn-config-1", "cnn-config-1"]
    assert frame["verdict"].tolist() == ["inside", "inside"]
    assert frame["published"].tolist() == [WEIGHTED_F1[0], WEIGHTED_F1[4]]
    assert frame["recomputed"].tolist() == pytest.approx([0.8866, 0.9420], abs=0.00006)
    assert (frame["prediction_interval_low"] < frame["score_low"]).all()
    assert (frame["prediction_interval_high"] > frame["score_high"]).all()


def test_compare_with_published_recomputed_interval_is_that_of_sampling_images(
    tmp_path: Path,
) -> None:
    row = compare(tmp_path / "s", 0).iloc[1]
    half = (row["recomputed_high"] - row["recomputed_low"]) / 2
    # Weighted F1 of .942 on 3,421 images varies about as the accuracy does: 1.96 sqrt(pq/n).
    assert half == pytest.approx(1.96 * (0.942 * 0.058 / 3421) ** 0.5, rel=0.05)


@pytest.mark.parametrize("step", [0, 30])
def test_compare_with_published_prediction_interval_is_that_of_images_or_of_seeds(
    tmp_path: Path, step: int
) -> None:
    """With equal seeds the images of both are all; far apart, the new run's seed is nearly all."""
    (own,) = grid_builder.make_published_matrices()["cnn-config-1"]
    matrices = {
        "cnn-config-1": [grid_builder.worsen_matrix(own, n_moved=step * seed) for seed in range(3)]
    }
    loaded_study = read_study_files(grid_builder.build_grid(tmp_path / "s", matrices))
    sampled = bootstrap_scores(loaded_study.predictions)
    (row,) = compare_with_published(loaded_study, sampled).to_dict("records")
    sd = sampled.values["weighted_f1"].std(ddof=1)
    of_seeds = stats.t.ppf(0.975, 2) * sd * (1 + 1 / 3) ** 0.5
    of_images = 1.96 * (2 * 0.942 * 0.058 / 3421) ** 0.5
    half = (row["prediction_interval_high"] - row["prediction_interval_low"]) / 2
    assert half == pytest.approx(of_seeds if step else of_images, rel=0.1)


def test_compare_with_published_score_far_below_is_outside(tmp_path: Path) -> None:
    assert compare(tmp_path / "s", 40)["verdict"].tolist() == ["outside", "outside"]


def test_compare_with_published_one_seed_cannot_tell_that_a_score_is_outside(
    tmp_path: Path,
) -> None:
    assert compare(tmp_path / "far", 40, seeds=1)["verdict"].tolist() == ["cannot tell"] * 2
    assert compare(tmp_path / "near", 0, seeds=1)["verdict"].tolist() == ["inside"] * 2


def test_compare_with_published_other_data_are_not_comparable_and_synthetic_ones_left_out(
    tmp_path: Path,
) -> None:
    assert (
        compare(tmp_path / DataKind.FILE, 0, kind=DataKind.FILE)["verdict"].tolist()
        == ["not comparable"] * 2
    )
    assert compare(tmp_path / "synthetic", 0, kind=DataKind.SYNTHETIC).empty


def test_compare_with_published_configuration_without_a_trial_is_listed(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    ledger = grid_builder.build_grid(tmp_path / "s", matrices, missing_trials=[("cnn-config-1", 0)])
    loaded_study = read_study_files(ledger)
    (row,) = compare_with_published(
        loaded_study, bootstrap_scores(loaded_study.predictions)
    ).to_dict("records")
    assert (row["seeds"], row["verdict"]) == (0, "cannot tell")
