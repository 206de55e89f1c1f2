"""What sections share: the frames of the study itself, and no effects of a search."""

from pathlib import Path

import numpy as np
import pandas as pd

from reports.sections.findings import analyze
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import ReportedStudy


def test_analyze_grid_has_the_frames_of_its_study(reported_grid: ReportedStudy) -> None:
    analysis = reported_grid.analysis
    pd.testing.assert_frame_equal(analysis.comparison, analysis.study.comparison())
    pd.testing.assert_frame_equal(analysis.trials, analysis.study.trials)
    pd.testing.assert_frame_equal(analysis.pairwise.pairs, analysis.study.pairs())
    assert analysis.effects["factor"].unique().tolist() == ["family", "optimizer", "loss"]
    assert analysis.pairwise.copies == {"cnn-config-1": ["cnn-config-3"]}
    pairs = analysis.pairwise.pairs.set_index(["a", "b"])
    assert pairs["replicates"].to_dict() == {
        ("mlnn-config-1", "cnn-config-1"): 2,
        ("mlnn-config-1", "cnn-config-2"): 1,
        ("cnn-config-1", "cnn-config-2"): 0,  # compared unpaired
    }
    assert pairs["p"].notna().all()
    assert analysis.equivalent_losses.pairs["nll"].tolist() == ["cnn-config-3"]
    assert analysis.search is None
    assert not analysis.context.is_search


def test_analyze_search_has_trials_and_no_effects(reported_search: ReportedStudy) -> None:
    analysis = reported_search.analysis
    assert analysis.search is not None
    assert len(analysis.search.trials) == 14
    assert analysis.effects.empty
    assert "difference" in analysis.effects
    assert analysis.context.is_search


def test_analyze_keeps_the_images(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"x": [ASYMMETRIC]}, missing_trials=[("x", 0)])
    images = np.zeros((360, 28, 28, 3), dtype=np.uint8)
    assert analyze(ledger, images).images is images
