"""Records to frames: known matrices in, known scores out."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports import tables
from reports.ledger import Ledger
from reports.page import write_report
from reports.records import DataKind
from tests import synthetic
from tests.unit.test_published import CLASS_COUNTS, MACRO_F1, WEIGHTED_F1

# Class 0 is often taken for 1, never the other way round: macro F1 alone would not notice a
# transposed matrix.
ASYMMETRIC = np.diag([60, 100, 50, 40, 30, 20, 10, 10]).astype(np.int64)
ASYMMETRIC[0, 1] = 40


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("tables") / "grid"
    return synthetic.build(folder, synthetic.published_matrices())


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Two configurations, three seeds, of which one failed and one is missing."""
    matrices = synthetic.published_matrices(3)
    return synthetic.build(
        tmp_path_factory.mktemp("tables") / "replicated",
        {name: matrices[name] for name in ("mlnn-config-1", "mlnn-config-3", "cnn-config-2")},
        failed={("mlnn-config-3", 1): "loss is nan in epoch 3, step 5"},
        missing=[("mlnn-config-3", 2)],
    )


def test_our_columns_give_the_scores_of_the_published_matrices(grid: Ledger) -> None:
    frame = tables.comparison(grid)
    weighted = [0.8866, *WEIGHTED_F1[1:]]
    np.testing.assert_allclose(frame["test_weighted_f1"], weighted, atol=0.00006)
    np.testing.assert_allclose(frame["test_macro_f1"], MACRO_F1, atol=0.00006)


def test_published_columns_stand_beside_their_own_configuration(grid: Ledger) -> None:
    frame = tables.comparison(grid)
    assert frame["published_weighted_f1"].tolist() == WEIGHTED_F1
    for name in ("accuracy", "macro_f1"):
        np.testing.assert_allclose(frame[f"published_{name}"], frame[f"test_{name}"])
    np.testing.assert_allclose(frame["published_matrix_weighted_f1"], frame["test_weighted_f1"])


def test_class_counts_and_support(grid: Ledger) -> None:
    assert tables.class_counts(grid)["test"].tolist() == CLASS_COUNTS
    scores = tables.per_class(tables.confusions(grid))
    for _, one in scores.groupby("configuration"):
        assert one["support"].tolist() == CLASS_COUNTS


def test_orientation_is_true_by_predicted(tmp_path: Path) -> None:
    ledger = synthetic.build(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    cells = tables.confusions(ledger)
    mistake = cells[(cells["true"] == 0) & (cells["predicted"] == 1)]
    assert mistake["count"].tolist() == [40]
    scores = tables.per_class(cells).set_index("class")
    assert scores.loc[0, "recall"] == pytest.approx(0.6)
    assert scores.loc[0, "precision"] == 1
    assert scores.loc[1, "recall"] == 1
    assert scores.loc[1, "precision"] == pytest.approx(100 / 140)
    summed = tables.summed(cells).set_index(["true", "predicted"])
    assert summed.loc[(0, 1), "row_share"] == pytest.approx(0.4)


def test_a_spread_is_of_the_replicates_with_n_minus_1(replicated: Ledger) -> None:
    row = tables.comparison(replicated).set_index("configuration").loc["mlnn-config-1"]
    right = [sum(np.diag(m)) / 3421 for m in synthetic.published_matrices(3)["mlnn-config-1"]]
    assert row["seeds"] == 3
    assert row["test_accuracy"] == pytest.approx(sum(right) / 3)
    mean = sum(right) / 3
    assert row["test_accuracy_sd"] == pytest.approx(
        math.sqrt(sum((x - mean) ** 2 for x in right) / 2)
    )


def test_failed_and_missing_trials_are_counted_and_not_averaged(replicated: Ledger) -> None:
    frame = tables.comparison(replicated).set_index("configuration")
    row = frame.loc["mlnn-config-3"]
    assert [row[key] for key in ("seeds_planned", "seeds", "failed", "missing")] == [3, 1, 1, 1]
    assert row["epochs"] == 30  # not the 3 that the failed one ran
    assert pd.isna(row["test_macro_f1_sd"])
    trials = tables.trials(replicated).set_index(["configuration", "seed"])
    assert trials.loc[("mlnn-config-3", 1), "error"] == "loss is nan in epoch 3, step 5"
    assert trials.loc[("mlnn-config-3", 2), "status"] == "missing"
    assert set(tables.curves(replicated)["configuration"]) == set(frame.index)
    assert tables.curves(replicated).query("configuration == 'mlnn-config-3'")["seed"].max() == 0


def test_a_configuration_without_a_trial_has_its_row(tmp_path: Path) -> None:
    matrices = synthetic.published_matrices()
    ledger = synthetic.build(tmp_path / "s", matrices, missing=[(name, 0) for name in matrices])
    frame = tables.comparison(ledger)
    assert frame["configuration"].tolist() == list(matrices)
    assert frame["test_macro_f1"].isna().all()
    assert (frame["seeds"] == 0).all()
    cells = tables.confusions(ledger)
    for empty in (cells, tables.summed(cells), tables.per_class(cells), tables.twins(ledger)):
        assert empty.empty
    assert tables.mean_curves(tables.curves(ledger)).empty


@pytest.mark.parametrize("kind", ["official", "file", "rendered"])
def test_drawings_are_never_beside_published_values(tmp_path: Path, kind: DataKind) -> None:
    matrices = {"cnn-config-1": synthetic.published_matrices()["cnn-config-1"]}
    frame = tables.comparison(synthetic.build(tmp_path / "s", matrices, kind=kind))
    shown = any(str(column).startswith("published") for column in frame.columns)
    assert shown == (kind != "rendered")


def test_mean_curves_end_with_the_shortest_trial(replicated: Ledger) -> None:
    curves = tables.curves(replicated)
    means = tables.mean_curves(curves)
    own = means[means["configuration"] == "mlnn-config-1"]
    assert own["epoch"].tolist() == list(range(1, 31))  # of 30, 33 and 36
    at_7 = curves[(curves["configuration"] == "mlnn-config-1") & (curves["epoch"] == 7)]
    assert own.set_index("epoch").loc[7, "train_loss"] == pytest.approx(at_7["train_loss"].mean())


def test_twins_are_compared_seed_by_seed(tmp_path: Path) -> None:
    other = ASYMMETRIC.copy()
    other[7, 7] -= 4
    other[7, 6] += 4
    ledger = synthetic.build(
        tmp_path / "s",
        {
            "cnn-config-1": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
            "cnn-config-2": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
            "cnn-config-3": [ASYMMETRIC, other, ASYMMETRIC],
        },
        missing=[("cnn-config-1", 2)],
    )
    expected = pd.DataFrame(
        {
            "cross_entropy": ["cnn-config-1"],
            "nll": ["cnn-config-3"],
            "seeds": [2],
            "predictions": [720],
            "differing": [4],
        }
    )
    pd.testing.assert_frame_equal(tables.twins(ledger), expected, check_dtype=False)


@pytest.mark.parametrize("shrunk", [1, 4])
def test_fewer_test_images_tell_only_larger_differences_apart(tmp_path: Path, shrunk: int) -> None:
    """Two accuracies of p on n images: 1.96 sqrt(2 p (1 - p) / n)."""
    matrix = synthetic.published_matrices()["cnn-config-1"][0] // shrunk
    ledger = synthetic.build(tmp_path / "study", {"cnn-config-1": [matrix]})
    p, n = np.trace(matrix) / matrix.sum(), matrix.sum()
    (found,) = tables.comparison(ledger)["test_accuracy_least"]
    assert found == pytest.approx(1.96 * math.sqrt(2 * p * (1 - p) / n))
    text = write_report(ledger).read_text(encoding="utf-8")
    assert f"a difference of less than about {100 * found:.2f} points is not a finding" in text


def test_sampling_error_of_a_share() -> None:
    assert tables.sampling_error(0.95, 3421) == pytest.approx(0.0037, abs=0.00005)
    assert math.isnan(tables.sampling_error(0.95, 0))
