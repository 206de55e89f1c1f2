"""Every column of a frame is listed in the docstring of the class or function that makes it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.analysis import (
    ablations,
    calibration,
    class_scores,
    confusion,
    confusion_differences,
    cost,
    effects,
    equivalent_losses,
    frames,
    importance,
    learning_curves,
    misclassified,
    pairwise,
    reproduction,
    roc_curves,
    search_effort,
    search_trials,
    temperature_scaling,
)
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.planned_trial import Config
from reports.study import Study
from tests.helpers.grid_builder import build_grid
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, build_search
from tests.helpers.small_studies import OTHER_MATRIX, SMALL_MATRIX


def list_undocumented(frame: pd.DataFrame, documented: Any) -> set[str]:
    """Columns of a frame that are not in backquotes in the docstring of `documented`."""
    return set(frame.columns) - set(re.findall(r"`(\w+)`", documented.__doc__ or ""))


def strip_suffix(column: str) -> str:
    """Name of the column that a standard deviation or an end of an interval belongs to."""
    return re.sub("_(sd|low|high)$", "", column)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    names = [f"{family}-config-{i}" for family in ("mlnn", "cnn") for i in (1, 2, 3)]
    matrices = {name: [SMALL_MATRIX, OTHER_MATRIX] for name in names}
    matrices["resnet-no-dropout"] = matrices["resnet"] = [OTHER_MATRIX]
    overrides = {
        "resnet": {"family": "resnet", "dropout": 0.3},
        "resnet-no-dropout": {"family": "resnet", "dropout": 0.0},
    }
    folder = tmp_path_factory.mktemp("columns") / "grid"
    return read_study_files(build_grid(folder, matrices, record_overrides=overrides))


def test_columns_of_a_grid_are_documented(grid: LoadedStudy) -> None:
    predictions = grid.predictions
    bootstrap = bootstrap_scores(predictions)
    comparison = frames.make_comparison_frame(grid, bootstrap)
    confusions = confusion.analyze_confusion(predictions)
    curves = learning_curves.collect_learning_curves(grid)
    pairs = pairwise.compare_pairs(predictions, bootstrap)
    reliability = calibration.compute_calibration(predictions)
    scaling = temperature_scaling.compare_temperature_scaling(predictions, grid.val_predictions)
    losses = equivalent_losses.analyze_equivalent_losses(grid, bootstrap)
    documented_frames = [
        (confusions.matrices, confusion.ConfusionAnalysis),
        (
            confusions.class_scores.rename(columns=strip_suffix),
            class_scores.compute_class_scores,
        ),
        (curves.epochs, learning_curves.LearningCurves),
        (curves.means, learning_curves.LearningCurves),
        (pairs, pairwise.PairwiseComparison),
        (effects.estimate_effects(bootstrap), effects.estimate_effects),
        (ablations.compute_ablations(grid.study, bootstrap).differences, ablations.Ablations),
        (cost.collect_costs(comparison, with_published=True), cost.collect_costs),
        (losses.pairs, equivalent_losses.EquivalentLosses),
        (losses.replicate_noise, equivalent_losses.EquivalentLosses),
        (
            reproduction.compare_with_published(grid, bootstrap),
            reproduction.compare_with_published,
        ),
        (reliability.bins, calibration.Calibration),
        (reliability.errors.rename(columns=strip_suffix), calibration.Calibration),
        (
            scaling.rename(columns=strip_suffix),
            temperature_scaling.compare_temperature_scaling,
        ),
        (
            confusion_differences.compare_confusions(predictions).cells,
            confusion_differences.ConfusionDifferences,
        ),
        (misclassified.analyze_misclassified(predictions).images, misclassified.Misclassified),
        (roc_curves.compute_roc_curves(predictions), roc_curves.compute_roc_curves),
        (misclassified.analyze_misclassified(predictions).errors, misclassified.Misclassified),
    ]
    for frame, documented in documented_frames:
        assert not frame.empty, documented
        assert list_undocumented(frame, documented) == set(), documented


def test_columns_of_a_search_are_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance, "N_RESAMPLES", 2)
    monkeypatch.setattr(importance, "N_PERMUTATIONS", 1)
    record = replace(RESNET_SEARCH_RECORD, n_trials=12, retrain_top=2, retrain_seeds=2)
    search = search_trials.analyze_search(
        read_study_files(build_search(tmp_path / "s", search=record))
    )
    assert search is not None
    importances = importance.compute_importances(search.trials, search.curves, search.record)
    effort = search_effort.make_effort_frame(search.trials, search.record.max_epochs)
    expected_best = search_effort.compute_expected_best(search.trials["value"].dropna().to_numpy())
    for frame, documented in (
        (search.trials, search_trials.SearchAnalysis),
        (search.curves, search_trials.SearchAnalysis),
        (search.confirmed, search_trials.SearchAnalysis),
        (importances, importance.compute_importances),
        (effort, search_effort.make_effort_frame),
        (expected_best, search_effort.compute_expected_best),
    ):
        assert not frame.empty, documented
        assert list_undocumented(frame, documented) == set(), documented


def test_columns_of_a_study_are_documented(grid: LoadedStudy, tmp_path: Path) -> None:
    study = Study(grid)
    search = Study(read_study_files(build_search(tmp_path / "s", search=RESNET_SEARCH_RECORD)))
    settings = Config.__annotations__
    frames_by_documented = [
        (study.trials.drop(columns=list(settings)), Study.trials),
        (
            study.predictions("mlnn-config-1-s0").filter(regex="^(?!probability_[1-6])"),
            Study.predictions,
        ),
        (study.comparison().rename(columns=strip_suffix), Study.comparison),
        (study.pairs(), Study.pairs),
        (study.class_scores().rename(columns=strip_suffix), Study.class_scores),
        (study.calibration().rename(columns=strip_suffix), Study.calibration),
        (study.learning_curves(), Study.learning_curves),
        (search.search_trials, Study.search_trials),
        (search.search_curves(), Study.search_curves),
        (search.confirmation().drop(columns=list(settings), errors="ignore"), Study.confirmation),
    ]
    for frame, documented in frames_by_documented:
        assert not frame.empty, documented
        assert list_undocumented(frame, documented) == set(), documented
