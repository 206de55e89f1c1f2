"""Scores on val over the folds of a cross-validation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from scipy import stats

from reports.analysis.cross_validation import make_cross_validation_frame
from reports.ledger.loading import LoadedStudy, read_study_files
from tests.helpers.grid_builder import build_grid, make_published_matrices

A, B = "cnn-config-1", "mlnn-config-2"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    """Return a study of two configurations with four seeds."""
    matrices = {name: make_published_matrices(4)[name] for name in (A, B)}
    return read_study_files(build_grid(tmp_path_factory.mktemp("grid") / "s", matrices))


def make_study(
    grid: LoadedStudy, scores: Mapping[str, Sequence[float | None]], *, folds: int | None = 2
) -> LoadedStudy:
    """Return the study with two seeds and two folds, and these scores on val; None is missing."""
    assert grid.study.grid is not None
    records = {}
    for record in grid.records.values():
        number = record.config["seed"]
        score = scores[record.configuration][number]
        if score is not None:
            records[record.id] = replace(
                record,
                config=record.config | {"seed": number // 2, "folds": 2, "fold": number % 2},
                scores={"val": {"macro_f1": score, "accuracy": score + 0.01}},
            )
    study = replace(grid.study, grid=replace(grid.study.grid, folds=folds))
    return replace(grid, study=study, records=records)


def test_make_cross_validation_frame_without_folds_is_empty(grid: LoadedStudy) -> None:
    assert make_cross_validation_frame(grid).empty
    assert make_cross_validation_frame(make_study(grid, {A: [None] * 4, B: [None] * 4})).empty


def test_make_cross_validation_frame_interval_has_the_variance_of_nadeau_and_bengio(
    grid: LoadedStudy,
) -> None:
    study = make_study(grid, {A: [0.8, 0.82, 0.84, 0.86], B: [0.7] * 4})
    first, second = make_cross_validation_frame(study).to_dict("records")
    assert (first["configuration"], first["replicates"]) == (A, 4)
    assert first["val_macro_f1"] == pytest.approx(0.83)
    assert first["val_accuracy"] == pytest.approx(0.84)
    sd = (0.002 / 3) ** 0.5
    half_width = stats.t.ppf(0.975, 3) * sd * (1 / 4 + 1) ** 0.5
    assert first["val_macro_f1_sd"] == pytest.approx(sd)
    assert first["val_macro_f1_low"] == pytest.approx(0.83 - half_width)
    assert first["val_macro_f1_high"] == pytest.approx(0.83 + half_width)
    assert second["val_macro_f1_low"] == second["val_macro_f1_high"] == pytest.approx(0.7)


def test_make_cross_validation_frame_differences_are_paired_by_seed_and_fold(
    grid: LoadedStudy,
) -> None:
    study = make_study(grid, {A: [0.8, 0.9, 0.7, 0.6], B: [None, 0.88, 0.69, 0.57]})
    frame = make_cross_validation_frame(study).set_index("configuration")
    assert frame.loc[B, "replicates"] == 3
    assert frame["difference"].isna().to_dict() == {A: True, B: False}
    assert frame.loc[B, "difference"] == pytest.approx((-0.02 - 0.01 - 0.03) / 3)
    sd = 0.01
    half_width = stats.t.ppf(0.975, 2) * sd * (1 / 3 + 1) ** 0.5
    assert frame.loc[B, "difference_low"] == pytest.approx(-0.02 - half_width)


def test_make_cross_validation_frame_intervals_are_clipped_and_unknown_for_one_replicate(
    grid: LoadedStudy,
) -> None:
    study = make_study(grid, {A: [0.2, 0.9, None, None], B: [0.1, None, None, None]})
    frame = make_cross_validation_frame(study).set_index("configuration")
    assert (frame.loc[A, "val_macro_f1_low"], frame.loc[A, "val_macro_f1_high"]) == (0.0, 1.0)
    assert frame.loc[B, ["val_macro_f1_sd", "val_macro_f1_low", "difference_low"]].isna().all()
