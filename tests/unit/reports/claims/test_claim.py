"""Rules, frames and phrases that several claims share."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.intervals import Estimate
from reports.claims.claim import (
    NO_TRIAL_TEXT,
    NUMBER_COLUMNS,
    ONE_REPLICATE_TEXT,
    Claim,
    describe_missing,
    explain_one_replicate,
    format_plain,
    format_plain_interval,
    format_points,
    is_above,
    is_below,
    judge_all_above,
    list_families,
    list_models,
    make_equivalence_keys,
    make_numbers_frame,
    measure_contrasts,
)
from reports.ledger.loading import read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.planted_study import (
    ADAM,
    MLNN_SGD,
    SGD,
    SGD_NLL,
    make_cyclic_matrices,
    plant_study,
)

MINUS = "\N{MINUS SIGN}"


def make_numbers(*rows: tuple[float, float, int]) -> pd.DataFrame:
    """Return numbers with a value, a Holm-adjusted p and a number of seeds per row."""
    return pd.DataFrame(rows, columns=["value", "p_holm", "replicates"])


def make_estimate(mean: float, p: float) -> Estimate:
    return Estimate(
        mean=mean,
        sd=0.1,
        low=mean - 1,
        high=mean + 1,
        p=p,
        replicates=3,
        image_variance=0.1,
        replicate_variance=0.1,
        dof=2.0,
        moderated_variance=0.1,
        moderated_dof=2.0,
    )


def test_claim_without_numbers_is_inconclusive_and_has_an_empty_frame() -> None:
    claim = Claim(statement="s", paper_sections="1", evidence="e")
    assert claim.verdict == "inconclusive"
    assert list(claim.numbers.columns) == [*NUMBER_COLUMNS]
    assert claim.numbers.empty


def test_make_numbers_frame_adjusts_p_for_the_number_of_rows() -> None:
    frame = make_numbers_frame({"x": make_estimate(0.5, 0.01), "y": make_estimate(-0.5, 0.04)})
    assert list(frame.columns) == [*NUMBER_COLUMNS]
    assert frame["quantity"].tolist() == ["x", "y"]
    assert frame["value"].tolist() == [0.5, -0.5]
    assert frame["low"].tolist() == [-0.5, -1.5]
    assert frame["p"].tolist() == [0.01, 0.04]
    assert frame["p_holm"].tolist() == pytest.approx([0.02, 0.04])


def test_measure_contrasts_leaves_out_a_contrast_without_a_common_replicate() -> None:
    predictions = plant_study(
        {
            SGD: make_cyclic_matrices(45, 44),
            ADAM: make_cyclic_matrices(40, 41),
            SGD_NLL: make_cyclic_matrices(43, 42),
        }
    ).predictions
    trials = predictions.trials
    suffix = (trials["configuration"] == SGD_NLL).map({True: "-f0", False: ""})
    apart = trials.assign(replicate=trials["replicate"] + suffix)
    frame = measure_contrasts(
        bootstrap_scores(replace(predictions, trials=apart)),
        {
            "known": ("accuracy", {SGD: 1, ADAM: -1}),
            "no trial": ("accuracy", {SGD: 1, MLNN_SGD: -1}),
            "no common replicate": ("accuracy", {SGD: 1, SGD_NLL: -1}),
        },
    )
    assert frame["quantity"].tolist() == ["known"]
    assert frame["value"].tolist() == pytest.approx([0.89 - 0.81])
    assert frame["replicates"].tolist() == [2]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([(0.1, 0.01, 3), (0.2, 0.049, 3)], "supported"),
        ([(0.1, 0.01, 3), (0.2, 0.05, 3)], "inconclusive"),
        ([(0.1, 0.01, 3), (-0.2, 0.049, 3)], "contradicted"),
        ([(0.1, 0.01, 3), (-0.2, 0.05, 3)], "inconclusive"),
        ([(0.1, 0.01, 3), (0.2, 0.01, 1)], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_judge_all_above_needs_every_value_significant_and_two_seeds(
    rows: list[tuple[float, float, int]], verdict: str
) -> None:
    assert judge_all_above(make_numbers(*rows)) == verdict


def test_is_above_and_is_below_need_a_sign_and_a_significant_p() -> None:
    numbers = make_numbers((0.1, 0.01, 3), (0.1, 0.05, 3), (-0.1, 0.01, 3), (-0.1, math.nan, 3))
    assert is_above(numbers).tolist() == [True, False, False, False]
    assert is_below(numbers).tolist() == [False, False, True, False]


def test_list_families_and_models_keep_the_order_of_the_plan() -> None:
    matrices = {
        name: make_cyclic_matrices(n, 40)
        for name, n in ((MLNN_SGD, 45), (ADAM, 46), (SGD, 47), (SGD_NLL, 47))
    }
    bootstrap = bootstrap_scores(plant_study(matrices).predictions)
    assert list_families(bootstrap) == ["mlnn", "cnn"]
    assert list_models(bootstrap, "cnn") == [ADAM, SGD]
    assert list_models(bootstrap, "resnet") == []


def test_make_equivalence_keys_are_equal_where_only_the_loss_differs() -> None:
    names = (SGD, SGD_NLL, ADAM, MLNN_SGD)
    keys = make_equivalence_keys(
        plant_study({name: make_cyclic_matrices(45, 44) for name in names})
    )
    assert keys[SGD] == keys[SGD_NLL]
    assert len(set(keys.values())) == 3


def test_describe_missing_names_the_family_unless_all_are_missing() -> None:
    assert "MLNN" in describe_missing(["mlnn"])
    assert describe_missing(["cnn", "mlnn"]) == NO_TRIAL_TEXT


def test_explain_one_replicate_tells_some_from_all() -> None:
    assert explain_one_replicate(make_numbers((0.1, 0.1, 1))) == ONE_REPLICATE_TEXT
    assert explain_one_replicate(make_numbers((0.1, 0.1, 1), (0.1, 0.1, 2))) != ONE_REPLICATE_TEXT


def test_format_points_is_in_points_with_signs() -> None:
    row = {"value": 0.061, "low": -0.052, "high": 0.07}
    assert format_points(row) == f"+6.1 points (95% confidence interval [{MINUS}5.2, +7.0])"


def test_format_plain_has_two_decimals_and_a_typographic_minus() -> None:
    assert format_plain(-1.666) == f"{MINUS}1.67"


def test_format_plain_interval_leaves_out_a_missing_interval() -> None:
    row = {"value": 1.666, "low": -0.5, "high": 2.371}
    assert format_plain_interval(row) == f"1.67 (95% confidence interval [{MINUS}0.50, 2.37])"
    assert format_plain_interval(row | {"low": math.nan}) == "1.67"


def test_make_equivalence_keys_of_other_folds_are_equal(tmp_path: Path) -> None:
    matrices = {name: [ASYMMETRIC] * 2 for name in ("cnn-config-1", "cnn-config-2", "cnn-config-3")}
    missing = [("cnn-config-1", 0), ("cnn-config-3", 1)]
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=missing, folds=2)
    keys = make_equivalence_keys(read_study_files(ledger))
    assert keys["cnn-config-1"] == keys["cnn-config-3"] != keys["cnn-config-2"]
