"""The claims about the confusion matrices on planted matrices."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from reports.analysis.error_patterns import count_confusion_errors
from reports.analysis.pattern_correlation import correlate_patterns
from reports.claims.claim import Claim, make_equivalence_keys
from reports.claims.confusion import judge_central_class, judge_perfect_class, judge_same_pattern
from tests.helpers.grid_builder import ConfusionMatrix
from tests.helpers.planted_study import (
    ADAM,
    MLNN_SGD,
    SGD,
    SGD_NLL,
    make_cyclic_matrices,
    make_error_matrix,
    plant_study,
    require_clean,
)

Cells = Mapping[tuple[int, int], int]

# Class 3 takes part in 42 of 66 errors, class 5 in 30.
CENTER = {(0, 3): 18, (0, 1): 6, (5, 3): 24, (5, 4): 6, (1, 2): 12}
# The same errors elsewhere.
FAR = {(3, 0): 18, (1, 0): 6, (3, 5): 24, (4, 5): 6, (2, 1): 12}
AT_CENTER, AT_FAR = make_error_matrix(CENTER), make_error_matrix(FAR)

NEAR_CENTER = make_error_matrix(CENTER | {(6, 2): 1})


def swap_classes(cells: Cells, a: int, b: int) -> ConfusionMatrix:
    swap = {a: b, b: a}
    return make_error_matrix({(swap.get(t, t), swap.get(p, p)): n for (t, p), n in cells.items()})


def judge_center(matrices: Mapping[str, Sequence[ConfusionMatrix]]) -> Claim:
    predictions = plant_study(matrices).predictions
    return require_clean(judge_central_class(predictions, count_confusion_errors(predictions)))


def judge_pattern(matrices: Mapping[str, Sequence[ConfusionMatrix]]) -> Claim:
    study = plant_study(matrices)
    errors = count_confusion_errors(study.predictions)
    return require_clean(
        judge_same_pattern(study.predictions, errors, make_equivalence_keys(study))
    )


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (AT_CENTER, "supported"),
        (swap_classes(CENTER, 2, 3), "contradicted"),
        # 0 is taken for 3 less often than for 1, which is not significant.
        (
            make_error_matrix(CENTER | {(0, 3): 12, (0, 1): 13, (2, 3): 20, (4, 3): 12}),
            "inconclusive",
        ),
        # Class 1 takes part in 36 errors, class 3 in 42.
        (make_error_matrix(CENTER | {(1, 2): 30}), "inconclusive"),
    ],
)
def test_judge_central_class_of_two_families_follows_both(
    matrix: ConfusionMatrix, verdict: str
) -> None:
    claim = judge_center({MLNN_SGD: [AT_CENTER] * 3, SGD: [matrix] * 3})
    assert claim.verdict == verdict
    assert claim.numbers["value"][0] == pytest.approx((42 - 30) / 66)
    assert "63.6%" in claim.evidence  # 42 / 66
    assert "45.5%" in claim.evidence


def test_judge_central_class_with_one_seed_is_inconclusive() -> None:
    claim = judge_center({SGD: [AT_CENTER]})
    assert claim.verdict == "inconclusive"
    assert claim.numbers["low"][0] > 0


def test_judge_central_class_of_one_seed_has_the_interval_of_counting() -> None:
    # Of the 24 errors on class 0, 18 are taken for 3 and 6 for 1: a mean of 24 ones and -1s.
    numbers = judge_center({SGD: [AT_CENTER]}).numbers
    half_width = (numbers["high"][1] - numbers["low"][1]) / 2
    std_error = np.repeat([1, -1], [18, 6]).std() / np.sqrt(24)
    assert half_width == pytest.approx(1.96 * std_error, rel=0.1)


def test_judge_perfect_class_without_errors_is_supported() -> None:
    matrices = {SGD: make_cyclic_matrices(50, 50), MLNN_SGD: make_cyclic_matrices(50, 50)}
    claim = require_clean(judge_perfect_class(plant_study(matrices).predictions))
    assert claim.verdict == "supported"
    assert claim.numbers["value"].tolist() == [0, 0, 0]
    assert f"{100 * 0.025 ** (1 / 50):.2f}%" in claim.evidence  # Clopper and Pearson


def test_judge_perfect_class_with_one_error_is_contradicted() -> None:
    matrices = {SGD: [make_error_matrix({}), make_error_matrix({(7, 1): 1, (2, 7): 3})]}
    claim = require_clean(judge_perfect_class(plant_study(matrices).predictions))
    assert claim.verdict == "contradicted"
    assert claim.numbers["value"].tolist() == [1, 1, 3]  # wrong, trials that err, taken for it
    assert "469 of 470 for cnn-config-3" in claim.evidence  # the paper contradicts itself


@pytest.mark.parametrize(
    ("adam", "verdict"),
    [
        ([NEAR_CENTER] * 3, "supported"),
        ([AT_FAR] * 3, "contradicted"),
    ],
)
def test_judge_same_pattern_of_a_pair_follows_its_correlation(
    adam: list[ConfusionMatrix], verdict: str
) -> None:
    matrices = {SGD: [AT_CENTER] * 3, ADAM: adam, MLNN_SGD: [AT_FAR] * 3}
    claim = judge_pattern(matrices)
    assert claim.verdict == verdict
    errors = count_confusion_errors(plant_study(matrices).predictions)
    pair = correlate_patterns(errors, [SGD], [ADAM])
    families = correlate_patterns(errors, [SGD, ADAM], [MLNN_SGD])
    assert pair is not None
    assert families is not None
    assert claim.numbers["value"].tolist() == [pair.mean, families.mean]


def test_judge_same_pattern_of_seeds_that_disagree_is_inconclusive() -> None:
    """Most of the variance over the cells is noise of the seeds."""
    claim = judge_pattern({SGD: [AT_CENTER] * 3, ADAM: [AT_CENTER, AT_FAR, AT_CENTER]})
    assert claim.verdict == "inconclusive"
    assert claim.numbers.empty


def test_judge_same_pattern_of_equivalent_losses_is_inconclusive() -> None:
    claim = judge_pattern({SGD: [AT_CENTER] * 2, SGD_NLL: [AT_CENTER] * 2})
    assert claim.verdict == "inconclusive"
    assert claim.numbers.empty
