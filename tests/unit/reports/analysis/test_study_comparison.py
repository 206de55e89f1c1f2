"""Several studies: every configuration compared with the one that is best on val."""

from pathlib import Path

import pandas as pd
import pytest

from reports.analysis.study_comparison import compare_studies, compare_with_best
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix

WORSE = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (15, 16)]


def test_compare_with_best_signs_do_not_depend_on_the_order_of_the_studies(tmp_path: Path) -> None:
    ledgers = [
        build_grid(tmp_path / "a", {"mlnn-config-1": WORSE}),
        build_grid(tmp_path / "b", {"cnn-config-1": [ASYMMETRIC] * 2}),
    ]
    rows = []
    for order in (ledgers, ledgers[::-1]):
        (data_set,) = compare_studies(order)
        frame = compare_with_best(data_set)
        assert frame["configuration"].tolist() == ["b: cnn-config-1", "a: mlnn-config-1"]
        assert pd.isna(frame.loc[0, ["difference", "low", "high", "p_holm", "decision"]]).all()
        rows.append(frame.loc[1])
    for row in rows:
        assert row["low"] < row["difference"] < row["high"] < 0
        assert row["decision"] == "different"
        assert row["difference"] == pytest.approx(rows[0]["difference"])
        assert row["low"] == pytest.approx(rows[0]["low"])


def test_compare_with_best_same_models_have_one_row(tmp_path: Path) -> None:
    ledgers = [
        build_grid(tmp_path / name, {"cnn-config-1": [ASYMMETRIC] * 2}) for name in ("a", "b")
    ]
    frame = compare_with_best(compare_studies(ledgers)[0])
    assert frame["configuration"].tolist() == ["a: cnn-config-1"]
    assert [*frame["copies"][0]] == ["b: cnn-config-1"]


@pytest.mark.parametrize("order", [1, -1])
def test_compare_studies_one_without_a_complete_trial_is_compared(
    tmp_path: Path, order: int
) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "mlnn-config-1": WORSE[:1]}
    missing = [(name, 0) for name in matrices]
    ledgers = [
        build_grid(tmp_path / "a", matrices),
        build_grid(tmp_path / "b", matrices, missing_trials=missing),
    ]
    (data_set,) = compare_studies(ledgers[::order])
    assert len(data_set.scores) == 4
    assert {*compare_with_best(data_set)["study"]} == {"a"}


def test_compare_with_best_without_a_complete_trial_is_empty(tmp_path: Path) -> None:
    missing = [("cnn-config-1", 0)]
    ledgers = [
        build_grid(tmp_path / name, {"cnn-config-1": [ASYMMETRIC]}, missing_trials=missing)
        for name in ("a", "b")
    ]
    (data_set,) = compare_studies(ledgers)
    assert compare_with_best(data_set).empty
