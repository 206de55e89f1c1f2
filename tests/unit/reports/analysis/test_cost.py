"""Accuracy and cost: whose rows, and which costs."""

import numpy as np
import pandas as pd
import pytest

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.cost import collect_costs
from reports.analysis.frames import make_comparison_frame
from reports.ledger.loading import read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, FAMILY_COSTS, build_grid


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    ledger = build_grid(
        tmp_path_factory.mktemp("costs") / "s",
        {"mlnn-config-1": [ASYMMETRIC], "cnn-config-1": [ASYMMETRIC], "resnet": [ASYMMETRIC]},
        record_overrides={"resnet": {"family": "resnet"}},
    )
    study = read_study_files(ledger)
    return make_comparison_frame(study, bootstrap_scores(study.predictions))


def test_collect_costs_has_our_rows_with_intervals_and_the_published_without(
    comparison: pd.DataFrame,
) -> None:
    frame = collect_costs(comparison, with_published=True)
    assert frame["source"].value_counts().to_dict() == {"paper": 8, "benchmark": 4, "study": 3}
    ours = frame[frame["source"] == "study"].set_index("name")
    assert ours["accuracy"].tolist() == [pytest.approx(32 / 36)] * 3
    assert (ours["accuracy_low"] < ours["accuracy"]).all()
    assert (ours["accuracy_high"] > ours["accuracy"]).all()
    assert tuple(ours.loc["resnet", ["parameters", "operations"]]) == FAMILY_COSTS["resnet"]
    theirs = frame[frame["source"] != "study"].set_index("name")
    assert theirs[["accuracy_low", "accuracy_high"]].isna().all(axis=None)
    assert theirs.loc["cnn-config-1", "accuracy"] == 3222 / 3421
    assert theirs.loc["ResNet-18, 28 pixels", "accuracy"] == 0.958


def test_collect_costs_without_published_has_our_rows_only(comparison: pd.DataFrame) -> None:
    assert set(collect_costs(comparison, with_published=False)["source"]) == {"study"}


def test_collect_costs_without_operations_or_scores_is_empty(comparison: pd.DataFrame) -> None:
    assert collect_costs(comparison.assign(operations=np.nan), with_published=True).empty
    assert collect_costs(comparison.assign(replicates=0), with_published=True).empty
