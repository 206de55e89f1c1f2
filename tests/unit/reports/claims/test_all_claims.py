"""The claims about scores on planted matrices: supported, contradicted, inconclusive."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from reports.analysis.bootstrap import bootstrap_scores
from reports.claims.all_claims import (
    judge_better_family,
    judge_better_precision,
    judge_claims,
    judge_similar_scores,
    make_claims_frame,
)
from reports.claims.claim import (
    NO_TRIAL_TEXT,
    Claim,
    describe_missing,
    is_above,
    is_below,
)
from reports.ledger.states import StopReason
from tests.helpers.grid_builder import ConfusionMatrix
from tests.helpers.planted_study import (
    ADAM,
    CLASS_SIZE,
    MLNN_ADAM,
    MLNN_SGD,
    SGD,
    SGD_NLL,
    make_cyclic_matrices,
    make_error_matrix,
    plant_study,
    require_clean,
)

Matrices = Mapping[str, Sequence[ConfusionMatrix]]

LABELS = tuple(f"label {c}" for c in range(8))


def judge_family(matrices: Matrices) -> Claim:
    return require_clean(judge_better_family(bootstrap_scores(plant_study(matrices).predictions)))


def judge_precision(matrices: Matrices) -> Claim:
    bootstrap = bootstrap_scores(plant_study(matrices).predictions)
    return require_clean(judge_better_precision(bootstrap, LABELS))


def judge_similarity(matrices: Matrices) -> Claim:
    return require_clean(judge_similar_scores(bootstrap_scores(plant_study(matrices).predictions)))


@pytest.mark.parametrize(
    ("cnn", "mlnn", "verdict"),
    [
        ((44, 45, 46), (34, 35, 36), "supported"),
        ((34, 35, 36), (44, 45, 46), "contradicted"),
        ((38, 45, 40), (45, 36, 41), "inconclusive"),
        ((45,), (35,), "inconclusive"),
    ],
)
def test_judge_better_family_of_a_pair_follows_its_difference(
    cnn: tuple[int, ...], mlnn: tuple[int, ...], verdict: str
) -> None:
    claim = judge_family({MLNN_SGD: make_cyclic_matrices(*mlnn), SGD: make_cyclic_matrices(*cnn)})
    assert claim.verdict == verdict
    difference = np.mean(cnn) / CLASS_SIZE - np.mean(mlnn) / CLASS_SIZE
    assert claim.numbers["value"].tolist() == pytest.approx([difference])
    assert claim.numbers["replicates"].tolist() == [len(cnn)]
    assert f"{abs(100 * difference):.1f} points" in claim.evidence


def test_judge_better_family_with_one_pair_the_other_way_is_contradicted() -> None:
    claim = judge_family(
        {
            MLNN_SGD: make_cyclic_matrices(30, 31, 32),
            SGD: make_cyclic_matrices(45, 46, 47),
            ADAM: make_cyclic_matrices(20, 21, 22),
        }
    )
    assert claim.verdict == "contradicted"
    assert is_above(claim.numbers).tolist() == [True, False]
    assert is_below(claim.numbers).tolist() == [False, True]


def test_judge_better_precision_with_every_class_higher_is_supported() -> None:
    claim = judge_precision(
        {
            MLNN_SGD: make_cyclic_matrices(34, 35, 36),
            MLNN_ADAM: make_cyclic_matrices(32, 33, 34),
            SGD: make_cyclic_matrices(44, 45, 46),
            ADAM: make_cyclic_matrices(46, 47, 48),
        }
    )
    assert claim.verdict == "supported"
    assert claim.numbers["value"].tolist() == pytest.approx([0.92 - 0.68] * 8)
    assert is_above(claim.numbers).all()


def test_judge_better_precision_with_one_lower_class_is_contradicted_and_names_it() -> None:
    # All errors of the CNN are taken for class 2: 50 right of 155 predicted.
    into_two = [make_error_matrix({(c, 2): 15 for c in range(8) if c != 2})] * 3
    claim = judge_precision({MLNN_SGD: make_cyclic_matrices(35, 35, 35), SGD: into_two})
    assert claim.verdict == "contradicted"
    assert is_below(claim.numbers).tolist() == [c == 2 for c in range(8)]
    assert claim.numbers["value"][2] == pytest.approx(50 / 155 - 35 / 50)
    assert [label for label in LABELS if label in claim.evidence] == [LABELS[2]]


def test_judge_better_precision_with_an_equal_class_is_inconclusive_and_names_it() -> None:
    def make_matrix(n_right: int) -> ConfusionMatrix:
        return make_error_matrix({(c, (c + 1) % 7): CLASS_SIZE - n_right for c in range(7)})

    claim = judge_precision(
        {MLNN_SGD: [make_matrix(n) for n in (34, 35, 36)], SGD: [make_matrix(45)] * 3}
    )
    assert claim.verdict == "inconclusive"
    assert is_above(claim.numbers).tolist() == [c != 7 for c in range(8)]
    assert claim.numbers["value"][7] == 0
    assert [label for label in LABELS if label in claim.evidence] == [LABELS[7]]


@pytest.mark.parametrize(
    ("adam", "verdict"),
    [
        ((35, 36, 34), "contradicted"),
        ((49, 50, 48), "contradicted"),
        ((43, 47, 45), "inconclusive"),
    ],
)
def test_judge_similar_scores_of_a_pair_follows_its_interval(
    adam: tuple[int, ...], verdict: str
) -> None:
    claim = judge_similarity(
        {SGD: make_cyclic_matrices(45, 45, 45), ADAM: make_cyclic_matrices(*adam, step=2)}
    )
    assert claim.verdict == verdict
    assert claim.numbers["value"][0] == pytest.approx(0.9 - np.mean(adam) / CLASS_SIZE)


@pytest.mark.parametrize(("n_fewer", "verdict"), [(1, "supported"), (6, "inconclusive")])
def test_judge_similar_scores_with_a_significant_difference_of_a_point_is_not_contradicted(
    n_fewer: int, verdict: str
) -> None:
    # Always the same images of 400, so that the seeds have no spread.
    sgd, adam = (
        make_error_matrix({(c, (c + 1) % 8): 8 - (c == 0) * n for c in range(8)})
        for n in (0, n_fewer)
    )
    claim = judge_similarity({SGD: [sgd] * 3, ADAM: [adam] * 3})
    assert claim.verdict == verdict
    assert (claim.numbers["p_holm"][0] < 0.05) == (n_fewer == 6)


def test_judge_similar_scores_of_equivalent_losses_is_inconclusive() -> None:
    claim = judge_similarity(
        {SGD: make_cyclic_matrices(45, 44), SGD_NLL: make_cyclic_matrices(45, 44)}
    )
    assert claim.verdict == "inconclusive"
    assert claim.numbers.empty
    assert "1 configuration" in claim.evidence


def test_judge_similar_scores_with_a_pair_of_one_seed_is_inconclusive() -> None:
    equal_pairs = {SGD: 2, ADAM: 2, MLNN_SGD: 1, "mlnn-config-2": 1}
    claim = judge_similarity(
        {
            name: make_cyclic_matrices(*[45] * n, step=1 + name.endswith("2"))
            for name, n in equal_pairs.items()
        }
    )
    assert sorted(claim.numbers["replicates"]) == [1, 2]
    assert claim.verdict == "inconclusive"


def test_judge_similar_scores_leaves_equivalent_losses_out() -> None:
    claim = judge_similarity(
        {
            SGD: make_cyclic_matrices(45, 44),
            ADAM: make_cyclic_matrices(35, 34),
            SGD_NLL: make_cyclic_matrices(45, 44),
        }
    )
    assert claim.verdict == "contradicted"
    assert claim.numbers["value"].tolist() == pytest.approx([0.2])


PERFECT_CLASS_CLAIM = 6


@pytest.mark.parametrize(
    ("matrices", "missing"),
    [
        ({}, ["cnn", "mlnn"]),
        ({SGD: make_cyclic_matrices(45)}, ["mlnn"]),
        ({SGD: make_cyclic_matrices(50)}, ["mlnn"]),
        ({MLNN_SGD: make_cyclic_matrices(45)}, ["cnn"]),
        ({"a": make_cyclic_matrices(45), "b": make_cyclic_matrices(45)}, ["mlnn"]),
    ],
)
def test_judge_claims_without_a_family_names_it_and_is_inconclusive(
    matrices: dict[str, list[ConfusionMatrix]], missing: list[str]
) -> None:
    study = plant_study(matrices)
    claims = [require_clean(c) for c in judge_claims(study, bootstrap_scores(study.predictions))]
    assert len(claims) == 8
    assert claims[0].evidence == describe_missing(missing)
    assert (claims[0].evidence == NO_TRIAL_TEXT) == (not matrices)
    any_wrong = any(m[7, 7] < CLASS_SIZE for replicates in matrices.values() for m in replicates)
    expected = "contradicted" if any_wrong else "supported" if matrices else "inconclusive"
    assert claims.pop(PERFECT_CLASS_CLAIM).verdict == expected
    assert {claim.verdict for claim in claims} == {"inconclusive"}


@pytest.mark.parametrize(
    ("matrices", "seeds"),
    [
        ({SGD: make_cyclic_matrices(45), MLNN_SGD: make_cyclic_matrices(35)}, [1]),
        (
            {
                SGD: make_cyclic_matrices(45, 44),
                MLNN_SGD: make_cyclic_matrices(35, 34),
                ADAM: make_cyclic_matrices(44),
            },
            [2, 1],
        ),
    ],
)
def test_judge_claims_with_one_seed_is_inconclusive(
    matrices: dict[str, list[ConfusionMatrix]], seeds: list[int]
) -> None:
    study = plant_study(matrices)
    claims = [require_clean(c) for c in judge_claims(study, bootstrap_scores(study.predictions))]
    assert claims[0].numbers["replicates"].tolist() == seeds
    assert is_above(claims[0].numbers).all()  # the images decide, the seeds do not
    assert claims.pop(PERFECT_CLASS_CLAIM).verdict == "contradicted"
    assert {claim.verdict for claim in claims} == {"inconclusive"}


def test_make_claims_frame_has_rows_for_every_claim() -> None:
    study = plant_study({SGD: make_cyclic_matrices(45)})
    claims = judge_claims(study, bootstrap_scores(study.predictions))
    frame = make_claims_frame(claims)
    assert frame["claim"].unique().tolist() == list(range(1, 9))
    statements = frame.groupby("claim")["statement"].first().tolist()
    assert statements == [claim.statement for claim in claims]


@pytest.mark.parametrize("n_limited", [0, 1])
def test_judge_claims_decides_none_if_a_trial_ended_at_the_epoch_limit(n_limited: int) -> None:
    study = plant_study({SGD: make_cyclic_matrices(45, 44), MLNN_SGD: make_cyclic_matrices(35, 36)})
    records = dict(study.records)
    for key in list(records)[:n_limited]:
        records[key] = replace(records[key], stop_reason=StopReason.MAX_EPOCHS)
    claims = judge_claims(replace(study, records=records), bootstrap_scores(study.predictions))
    assert {claim.n_limited for claim in claims} == {n_limited}
    verdicts = {claim.verdict for claim in claims}
    assert (verdicts == {"inconclusive"}) == bool(n_limited)
    assert len(claims[0].numbers)
