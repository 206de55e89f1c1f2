"""Every column of a frame stands in the docstring of the class or function that makes it."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.analysis import (
    ablations,
    calibration,
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
    search_effort,
    search_trials,
)
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger.loading import LoadedStudy, read_study_files
from tests.helpers import grid_builder, search_builder


def list_undocumented(frame: pd.DataFrame, documented: Any) -> set[str]:
    """Columns of a frame that are not in backquotes in the docstring of `documented`."""
    return set(frame.columns) - set(re.findall(r"`(\w+)`", documented.__doc__ or ""))


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    matrices = grid_builder.make_published_matrices(2)
    matrices["resnet-no-dropout"] = matrices["resnet"] = matrices["cnn-config-1"]
    overrides = {
        "resnet": {"family": "resnet", "dropout": 0.3},
        "resnet-no-dropout": {"family": "resnet", "dropout": 0.0},
    }
    return read_study_files(
        grid_builder.build_grid(
            tmp_path_factory.mktemp("columns") / "grid", matrices, record_overrides=overrides
        )
    )


def test_columns_of_a_grid_are_documented(grid: LoadedStudy) -> None:
    predictions = grid.predictions
    bootstrap = bootstrap_scores(predictions)
    comparison = frames.make_comparison_frame(grid, bootstrap)
    confusions = confusion.analyze_confusion(predictions)
    curves = learning_curves.collect_learning_curves(grid)
    pairs = pairwise.compare_pairs(predictions, bootstrap)
    reliability = calibration.compute_calibration(predictions)
    losses = equivalent_losses.analyze_equivalent_losses(grid, bootstrap)
    documented_frames = [
        (confusions.matrices, confusion.ConfusionAnalysis),
        (confusions.class_scores, confusion.ConfusionAnalysis),
        (curves.epochs, learning_curves.LearningCurves),
        (curves.means, learning_curves.LearningCurves),
        (pairs, pairwise.PairwiseComparison),
        (effects.estimate_effects(bootstrap), effects.estimate_effects),
        (ablations.compute_ablations(grid.study, bootstrap).differences, ablations.Ablations),
        (cost.collect_costs(comparison, with_published=True), cost.collect_costs),
        (losses.pairs, equivalent_losses.EquivalentLosses),
        (losses.seed_noise, equivalent_losses.EquivalentLosses),
        (
            reproduction.compare_with_published(grid, bootstrap),
            reproduction.compare_with_published,
        ),
        (reliability.bins, calibration.Calibration),
        (reliability.errors, calibration.Calibration),
        (
            confusion_differences.compare_confusions(predictions).cells,
            confusion_differences.ConfusionDifferences,
        ),
        (misclassified.analyze_misclassified(predictions).images, misclassified.Misclassified),
    ]
    for frame, documented in documented_frames:
        assert not frame.empty, documented
        assert list_undocumented(frame, documented) == set(), documented


def test_columns_of_a_search_are_documented(tmp_path: Path) -> None:
    ledger = search_builder.build_search(tmp_path / "s", search=search_builder.RESNET_SEARCH_RECORD)
    search = search_trials.analyze_search(read_study_files(ledger))
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
