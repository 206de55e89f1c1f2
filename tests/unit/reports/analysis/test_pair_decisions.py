"""Decisions about pairs: statsmodels' equivalence test and power, and planted differences."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from bloodnets.metrics import FloatArray
from reports.analysis.pair_decisions import POWER, Decision, decide_pairs
from reports.analysis.uncertainty import MeanVariance, compute_tail

MARGIN, N_IMAGES = 0.01, 2000
A = np.array([0.921, 0.925, 0.918])
B = np.array([0.920, 0.930, 0.924, 0.916, 0.922])


def make_row(difference: float, **changes: float) -> dict[str, float]:
    """Return a pair with three replicates whose mean difference varies only with these."""
    row = {
        "difference": difference,
        "replicates": 3.0,
        "image_variance": 0.0,
        "own_image_variance": 0.0,
        "replicate_variance": 1e-6,
        "dof": 4.0,
    }
    row |= changes
    return row | {"moderated_variance": row["replicate_variance"], "moderated_dof": row["dof"]}


def decide(*rows: Mapping[str, float], margin: float = MARGIN) -> pd.DataFrame:
    """Return the decisions about pairs, whose p-values follow from their variances."""
    pairs = pd.DataFrame(rows)
    names = ("image_variance", "replicate_variance", "dof")
    variance = MeanVariance(*(pairs[name].to_numpy() for name in names))
    pairs["p"] = 2 * compute_tail(pairs["difference"].abs().to_numpy(), variance)
    return decide_pairs(pairs, N_IMAGES, margin)


def make_welch_row(a: FloatArray, b: FloatArray) -> dict[str, float]:
    """Return the pair of two samples of scores that do not depend on the test images."""
    welch = stats.ttest_ind(a, b, equal_var=False)
    variance = a.var(ddof=1) / a.size + b.var(ddof=1) / b.size
    return make_row(a.mean() - b.mean(), replicate_variance=variance, dof=welch.df)


@pytest.mark.parametrize("shift", [0.0, 0.004, -0.004, 0.02])
def test_decide_pairs_equivalence_of_two_samples_is_that_of_statsmodels(shift: float) -> None:
    (row,) = decide(make_welch_row(A + shift, B)).to_dict("records")
    expected = ttost_ind(A + shift, B, -MARGIN, MARGIN, usevar="unequal")[0]
    assert row["p_equivalence"] == pytest.approx(expected, rel=1e-6)


def test_decide_pairs_equivalence_of_paired_values_is_that_of_statsmodels() -> None:
    values = A - B[:3]
    row = make_row(values.mean(), replicate_variance=values.var(ddof=1) / 3, dof=2.0)
    expected = ttost_paired(A, B[:3], -MARGIN, MARGIN)[0]
    assert decide(row)["p_equivalence"].tolist() == pytest.approx([expected], rel=1e-6)


def test_decide_pairs_equivalence_of_images_only_is_normal() -> None:
    row = make_row(0.004, image_variance=1e-5, replicate_variance=0.0, dof=0.0)
    expected = max(stats.norm.sf(bound / 1e-5**0.5) for bound in (MARGIN - 0.004, MARGIN + 0.004))
    assert decide(row)["p_equivalence"].tolist() == pytest.approx([expected])


def test_decide_pairs_finds_planted_differences_and_equivalences() -> None:
    frame = decide(
        make_row(0.03),
        make_row(-0.03),
        make_row(0.001),
        make_row(-0.001),
        make_row(0.001, replicate_variance=1e-4),
        make_row(0.009),
    )
    different, equivalent, undecided = Decision
    # Whatever differs significantly is different, even by less than the margin.
    assert frame["decision"].tolist() == [
        *(different, different, equivalent, equivalent, undecided, different)
    ]
    assert frame["p_equivalence"][5] > 0.05


def test_decide_pairs_of_a_significant_difference_within_the_margin_is_different() -> None:
    (row,) = decide(make_row(0.004, replicate_variance=1e-7)).to_dict("records")
    assert row["p_equivalence_holm"] < 0.05
    assert row["decision"] == Decision.DIFFERENT


def test_decide_pairs_of_a_wider_margin_finds_more_equivalences() -> None:
    row = make_row(0.001, replicate_variance=1e-5)
    decisions = [decide(row, margin=margin)["decision"][0] for margin in (0.005, 0.05)]
    assert decisions == [Decision.UNDECIDED, Decision.EQUIVALENT]


def test_decide_pairs_adjusts_both_p_values_over_all_pairs() -> None:
    random = np.random.default_rng(0)
    rows = [make_row(difference) for difference in random.normal(scale=0.006, size=10)]
    pairs = pd.DataFrame(rows).assign(p=random.uniform(0, 0.02, size=10))
    frame = decide_pairs(pairs, N_IMAGES, MARGIN)
    for unadjusted, adjusted in (
        (pairs["p"], "p_holm"),
        (frame["p_equivalence"], "p_equivalence_holm"),
    ):
        expected = multipletests(unadjusted, method="holm")[1]
        np.testing.assert_allclose(frame[adjusted], expected)
    assert (frame["p_equivalence_holm"] > frame["p_equivalence"]).any()


@pytest.mark.parametrize(
    ("p", "decision"), [(0.02, Decision.DIFFERENT), (0.2, Decision.EQUIVALENT)]
)
def test_decide_pairs_of_one_pair_is_undecided_among_several(p: float, decision: Decision) -> None:
    """The adjusted p-values decide: 4 times 0.02 is not significant."""
    row = make_row(MARGIN - 0.001 * stats.t.isf(0.02, 4))
    for n_pairs, expected in ((1, decision), (4, Decision.UNDECIDED)):
        frame = decide_pairs(pd.DataFrame([row] * n_pairs).assign(p=p), N_IMAGES, MARGIN)
        assert frame["p_equivalence"].tolist() == pytest.approx([0.02] * n_pairs)
        assert frame["decision"].tolist() == [expected] * n_pairs


def test_decide_pairs_of_an_unknown_variance_is_undecided() -> None:
    row = make_row(0.0, image_variance=np.nan, replicate_variance=0.0, dof=0.0)
    frame = decide(row, make_row(0.03))
    assert frame["decision"].tolist() == [Decision.UNDECIDED, Decision.DIFFERENT]
    needed = ["detectable_difference", "replicates_needed", "images_needed"]
    assert frame.loc[0, ["p_equivalence", *needed]].isna().all()


@pytest.mark.parametrize("n_pairs", [1, 6])
@pytest.mark.parametrize("n_seeds", [20, 100])
def test_decide_pairs_detectable_difference_is_that_of_statsmodels(
    n_seeds: int, n_pairs: int
) -> None:
    sd = 0.01
    paired = make_row(0.0, replicates=n_seeds, replicate_variance=sd**2 / n_seeds, dof=n_seeds - 1)
    two_samples = make_row(
        0.0, replicates=n_seeds, replicate_variance=2 * sd**2 / n_seeds, dof=2 * (n_seeds - 1)
    )
    for row, test in ((paired, TTestPower()), (two_samples, TTestIndPower())):
        n_name = "nobs" if test.__class__ is TTestPower else "nobs1"
        effect = test.solve_power(**{n_name: n_seeds}, alpha=0.05 / n_pairs, power=POWER)
        found = decide(*[row] * n_pairs)["detectable_difference"]
        assert found.tolist() == pytest.approx([effect * sd] * n_pairs, rel=0.02)


def test_decide_pairs_detectable_difference_of_images_only_is_normal() -> None:
    row = make_row(0.0, image_variance=4e-6, replicate_variance=0.0, dof=0.0)
    expected = 0.002 * (stats.norm.isf(0.025) + stats.norm.isf(0.2))
    assert decide(row)["detectable_difference"].tolist() == pytest.approx([expected])


def compute_detectable(row: Mapping[str, float], n_seeds: int) -> float:
    """Return the detectable difference with another number of replicates, worked with scipy."""
    factor = row["replicates"] / n_seeds
    images = row["image_variance"] - row["own_image_variance"] * (1 - factor)
    dof = row["dof"] * (n_seeds - 1) / (row["replicates"] - 1)
    half_widths = (
        np.sqrt(
            stats.norm.isf(tail) ** 2 * images
            + stats.t.isf(tail, dof) ** 2 * row["replicate_variance"] * factor
        )
        for tail in (0.025, 1 - POWER)
    )
    return float(sum(half_widths))


@pytest.mark.parametrize("own_share", [0.0, 0.9])
def test_decide_pairs_replicates_needed_is_the_smallest_number_that_suffices(
    own_share: float,
) -> None:
    row = make_row(
        0.001, image_variance=6e-6, own_image_variance=own_share * 6e-6, replicate_variance=9e-6
    )
    needed = int(decide(row)["replicates_needed"][0])
    assert 3 < needed < 18
    assert compute_detectable(row, needed) <= MARGIN < compute_detectable(row, needed - 1)


def test_decide_pairs_replicates_needed_is_that_of_statsmodels() -> None:
    row = make_row(0.0, replicates=10, replicate_variance=0.02**2 / 10, dof=9)
    expected = TTestPower().solve_power(MARGIN / 0.02, alpha=0.05, power=POWER)
    assert decide(row)["replicates_needed"].tolist() == pytest.approx([expected], rel=0.08)


@pytest.mark.parametrize(
    "changes",
    [
        {"replicates": 1, "dof": 0.0, "replicate_variance": 0.0, "image_variance": 1e-5},
        {"replicates": 1, "image_variance": 1e-5},
        {"replicates": 0},
        {"image_variance": 1e-4},
    ],
    ids=["no replicates", "only others' replicates", "unpaired", "too few images"],
)
def test_decide_pairs_replicates_needed_that_cannot_be_known_or_suffice_is_nan(
    changes: Mapping[str, float],
) -> None:
    assert np.isnan(decide(make_row(0.0, **changes))["replicates_needed"][0])


def test_decide_pairs_images_needed_is_the_smallest_number_that_suffices() -> None:
    row = make_row(0.001, image_variance=1e-4, replicate_variance=1e-6)
    needed = decide(row)["images_needed"][0]
    assert needed > N_IMAGES
    detectable = [
        decide(row | {"image_variance": 1e-4 * N_IMAGES / n_images})["detectable_difference"][0]
        for n_images in (needed, needed / 1.04)
    ]
    assert detectable[0] <= MARGIN < detectable[1]


def test_decide_pairs_images_needed_that_do_not_suffice_is_nan() -> None:
    row = make_row(0.0, image_variance=1e-6, replicate_variance=1e-4)
    assert np.isnan(decide(row)["images_needed"][0])


def test_decide_pairs_that_detect_the_margin_need_no_more_images() -> None:
    frame = decide(make_row(0.0, image_variance=1e-7, replicate_variance=1e-7))
    assert frame["detectable_difference"][0] < MARGIN
    assert frame["images_needed"].tolist() == [N_IMAGES]
    assert frame["replicates_needed"][0] <= 3


def test_decide_pairs_keeps_the_index() -> None:
    pairs = pd.DataFrame([make_row(0.0), make_row(0.1)], index=[7, 3]).assign(p=[1.0, 0.0])
    assert decide_pairs(pairs, N_IMAGES, MARGIN).index.tolist() == [7, 3]
