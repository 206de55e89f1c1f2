"""The paper's claims on planted matrices and curves: each supported, contradicted, undecided."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bloodnets.metrics import FloatArray
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.error_patterns import (
    compute_error_shares,
    compute_mistaken_shares,
    correlate_patterns,
    count_confusion_errors,
)
from reports.claims.all_claims import (
    judge_better_family,
    judge_better_precision,
    judge_claims,
    judge_similar_scores,
    make_claims_frame,
)
from reports.claims.claim import Claim, make_equivalence_keys
from reports.claims.confusion import judge_central_class, judge_perfect_class, judge_same_pattern
from reports.claims.convergence import (
    compare_roughness,
    compute_roughness,
    count_epochs_until,
    judge_faster_convergence,
    judge_smoother_curves,
)
from reports.claims.judged_study import judge_study, select_published_trials
from reports.ledger.loading import LoadedStudy, TestPredictions, read_study_files
from reports.ledger.planned_trial import Config
from reports.ledger.records import DataRecord, EpochRecord, StudyRecord, TrialRecord
from reports.ledger.states import DataKind, StopReason, TrialState
from reports.sections.comparison.claims import make_section
from reports.sections.findings import analyze
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix

CLASS_SIZE = 50  # images of a class
SGD, ADAM, SGD_NLL, ADAM_NLL = (f"cnn-config-{i}" for i in (1, 2, 3, 4))
MLNN, MLNN_ADAM = "mlnn-config-1", "mlnn-config-2"
LABELS = tuple(f"label {c}" for c in range(8))


def wheel(*right: int) -> list[ConfusionMatrix]:
    """A matrix a seed; the errors of a class go to the next: F1 and precision are right / 50."""
    return [errors({(c, (c + 1) % 8): CLASS_SIZE - n for c in range(8)}) for n in right]


def errors(cells: Mapping[tuple[int, int], int]) -> ConfusionMatrix:
    """All right but for the cells given."""
    matrix = np.diag([CLASS_SIZE] * 8).astype(np.int64)
    for (true, predicted), count in cells.items():
        matrix[true, predicted] += count
        matrix[true, true] -= count
    return matrix


def planted(
    matrices: Mapping[str, Sequence[ConfusionMatrix]],
    curves: Mapping[str, Sequence[FloatArray]] | None = None,
    kind: DataKind = DataKind.OFFICIAL,
) -> LoadedStudy:
    """A study in memory: a matrix, and a curve if there are any, for each seed."""
    records, rows, predicted = {}, [], []
    epochs: dict[str, list[EpochRecord]] = {}
    for name, replicates in matrices.items():
        for seed, matrix in enumerate(replicates):
            key, config = f"{name}-s{seed}", grid_builder.make_config(name, seed=seed)
            losses = curves[name][seed] if curves else np.empty(0)
            epochs[key] = [epoch(i, loss) for i, loss in enumerate(losses, start=1)]
            records[key] = record(key, name, config)
            names = ("family", "loss", "optimizer", "seed")
            settings = {k: value for k, value in config.items() if k in names}
            rows.append({"study": "planted", "configuration": name, **settings})
            predicted.append(np.repeat(np.tile(np.arange(8), 8), matrix.ravel()))
    columns = ["study", "configuration", "family", "loss", "optimizer", "seed"]
    one_hot = np.eye(8, dtype=np.float32)
    return LoadedStudy(
        study=study(kind),
        records=records,
        epochs=epochs,
        test_evaluations=[],
        predictions=TestPredictions(
            trials=pd.DataFrame(rows, columns=columns),
            labels=np.repeat(np.arange(8), CLASS_SIZE),
            probabilities=one_hot[np.array(predicted)] if rows else np.empty((0, 0, 8), np.float32),
        ),
        search=None,
        software_changes=(),
        problems=(),
    )


def study(kind: DataKind) -> StudyRecord:
    data = DataRecord(
        kind=kind,
        name="planted",
        md5=None,
        sha256="0" * 64,
        class_names=grid_builder.CLASS_NAMES,
        class_counts={"test": (CLASS_SIZE,) * 8},
        path=None,
        color_stats=grid_builder.COLOR_STATS,
    )
    return replace(
        grid_builder.make_grid_record(
            "planted", kind, grid_builder.CLASS_NAMES, np.eye(8, dtype=np.int64), []
        ),
        data=data,
    )


def record(key: str, name: str, config: Config) -> TrialRecord:
    return TrialRecord(
        id=key,
        configuration=name,
        config=config,
        fingerprint="0" * 64,
        state=TrialState.COMPLETE,
        stop_reason=StopReason.PATIENCE,
        error=None,
        attempts=1,
        epochs=30,
        best_epoch=20,
        started_at="2026-01-02T03:04:05Z",
        duration_s=1.0,
        device="cpu",
        host="here",
        parameters=1,
        scores={},
        files={},
        software_sha256="0" * 64,
        operations=None,
    )


def epoch(number: int, loss: float) -> EpochRecord:
    return EpochRecord(
        epoch=number,
        train_loss=float(loss),
        val_loss=1.0,
        val_accuracy=0.5,
        val_macro_f1=0.5,
        duration_s=1.0,
    )


def curve(*, speed: float, noise: float = 0.01, epochs: int = 40) -> FloatArray:
    """An exponential fall that jumps up and down by a share: its roughness is 4 noise / sqrt 6."""
    t = np.arange(epochs)
    return np.asarray(2 * np.exp(-t / speed + noise * (-1.0) ** t))


def clean(claim: Claim) -> Claim:
    """The claim, whose words must hold no broken number."""
    assert "nan" not in claim.evidence.lower().replace("nance", "")
    assert "inf" not in claim.evidence.lower()
    assert claim.evidence.endswith(".")
    return claim


# 1. The CNN beats the MLNN.


@pytest.mark.parametrize(
    ("cnn", "mlnn", "verdict", "words"),
    [
        ((44, 45, 46), (34, 35, 36), "supported", "+20.00 points"),
        ((34, 35, 36), (44, 45, 46), "contradicted", "−20.00 points"),  # noqa: RUF001
        ((38, 45, 40), (45, 36, 41), "cannot tell", "In 0 of 1 pair the CNN"),
        ((45,), (35,), "cannot tell", "One seed"),
    ],
)
def test_the_better_family(
    cnn: tuple[int, ...], mlnn: tuple[int, ...], verdict: str, words: str
) -> None:
    loaded_study = planted({MLNN: wheel(*mlnn), SGD: wheel(*cnn)})
    claim = clean(judge_better_family(bootstrap_scores(loaded_study.predictions)))
    assert claim.verdict == verdict
    assert words in claim.evidence
    assert claim.numbers["value"].tolist() == pytest.approx(
        [np.mean(cnn) / CLASS_SIZE - np.mean(mlnn) / CLASS_SIZE]
    )


def test_one_pair_that_is_the_other_way_round_contradicts_every_configuration() -> None:
    matrices = {MLNN: wheel(30, 31, 32), SGD: wheel(45, 46, 47), ADAM: wheel(20, 21, 22)}
    claim = clean(judge_better_family(bootstrap_scores(planted(matrices).predictions)))
    assert claim.verdict == "contradicted"
    assert "In 1 of 2 pairs the CNN is separated above the MLNN, in 1 below" in claim.evidence


# 2. Precision of each class.


def test_precision_of_each_class() -> None:
    matrices = {MLNN: wheel(34, 35, 36), MLNN_ADAM: wheel(32, 33, 34)}
    matrices |= {SGD: wheel(44, 45, 46), ADAM: wheel(46, 47, 48)}
    claim = clean(judge_better_precision(bootstrap_scores(planted(matrices).predictions), LABELS))
    assert claim.verdict == "supported"
    assert claim.numbers["value"].tolist() == pytest.approx([0.92 - 0.68] * 8)
    assert "above that of the MLNNs in 8 of 8 classes, below it in 0" in claim.evidence


def test_one_class_of_lower_precision_contradicts_and_is_named() -> None:
    # All errors of the CNN are taken for class 2: 50 right of 155 predicted.
    into_two = [errors({(c, 2): 15 for c in range(8) if c != 2})] * 3
    matrices = {MLNN: wheel(35, 35, 35), SGD: into_two}
    claim = clean(judge_better_precision(bootstrap_scores(planted(matrices).predictions), LABELS))
    assert claim.verdict == "contradicted"
    assert "Below: label 2 −37.74 points" in claim.evidence  # noqa: RUF001
    assert claim.numbers["value"][2] == pytest.approx(50 / 155 - 35 / 50)


def test_a_class_that_cannot_be_separated_is_named() -> None:
    def but_seven(n: int) -> ConfusionMatrix:
        return errors({(c, (c + 1) % 7): CLASS_SIZE - n for c in range(7)})

    matrices = {MLNN: [but_seven(n) for n in (34, 35, 36)], SGD: [but_seven(45)] * 3}
    claim = clean(judge_better_precision(bootstrap_scores(planted(matrices).predictions), LABELS))
    assert claim.verdict == "cannot tell"
    assert "in 7 of 8 classes" in claim.evidence
    assert "Not separated: label 7 0.00 points" in claim.evidence


# 3. and 4. The loss curves.


def test_roughness_measures_the_noise_and_not_the_speed_of_the_fall() -> None:
    for speed in (2.0, 5.0, 20.0):
        assert compute_roughness(curve(speed=speed, noise=0)) < 1e-12
        assert compute_roughness(curve(speed=speed)) == pytest.approx(0.04 / np.sqrt(6))


def test_curves_whose_noise_grows_as_the_loss_falls_are_equally_rough_at_any_speed() -> None:
    t = np.arange(40)

    def growing(speed: float) -> FloatArray:
        return np.asarray(np.exp(-t / speed + 0.01 * np.exp(t / speed / 2) * (-1.0) ** t))

    slow, fast = growing(12), growing(6)
    assert compare_roughness(slow, fast) == pytest.approx(0, abs=0.2)
    # The comparison that would be wrong, epoch by epoch, sees a difference.
    assert np.log(compute_roughness(fast) / compute_roughness(slow)) > 0.5


def test_epochs_until() -> None:
    assert count_epochs_until(np.linspace(1, 0, 101)) == 96
    assert count_epochs_until(np.array([2.0, 1.0, 0.196, 0.195, 0.1, 0.3])) == 4


def curves_of(ratios: Sequence[float], speeds: Sequence[float]) -> LoadedStudy:
    """A seed for each ratio of Adam's roughness to SGD's; `speeds` of SGD's fall over Adam's."""
    pairs = list(zip(ratios, speeds, strict=True))
    curves = {
        SGD: [curve(speed=8 * fast) for _, fast in pairs],
        ADAM: [curve(speed=8, noise=0.01 * ratio) for ratio, _ in pairs],
    }
    return planted(dict.fromkeys(curves, wheel(*[45] * len(pairs))), curves)


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((2.0, 3.0, 4.5), "supported"),
        ((1 / 2.0, 1 / 3.0, 1 / 4.5), "contradicted"),
        ((0.5, 1.0, 2.0), "cannot tell"),
        ((3.0,), "cannot tell"),
    ],
)
def test_the_smoother_curves(ratios: tuple[float, ...], verdict: str) -> None:
    claim = clean(judge_smoother_curves(curves_of(ratios, [1.5] * len(ratios))))
    assert claim.verdict == verdict
    mean = np.exp(np.mean(np.log(ratios)))
    assert claim.numbers["value"][0] == pytest.approx(mean)
    assert f"by a factor of {mean:.2f}" in claim.evidence
    assert ("One seed" in claim.evidence) == (len(ratios) == 1)


@pytest.mark.parametrize(
    ("speeds", "verdict"),
    [
        ((2.0, 2.5, 3.0), "supported"),
        ((0.5, 0.4, 0.3), "contradicted"),
        ((0.5, 1.0, 2.0), "cannot tell"),
        ((2.0,), "cannot tell"),
    ],
)
def test_the_faster_convergence(speeds: tuple[float, ...], verdict: str) -> None:
    assert clean(judge_faster_convergence(curves_of([1] * len(speeds), speeds))).verdict == verdict


def test_the_ratio_of_epochs_is_of_sgd_to_adam_and_said_for_each_family() -> None:
    def line(last: int) -> list[FloatArray]:
        return [np.concatenate([np.linspace(1.95, 1, last), [0.95] * 9])] * 2

    # 95 % of the way from 1.95 to .95 is 1.00, which the line reaches at its last epoch.
    curves = {SGD: line(20), ADAM: line(10), MLNN: line(40), MLNN_ADAM: line(10)}
    claim = clean(judge_faster_convergence(planted(dict.fromkeys(curves, wheel(45, 45)), curves)))
    assert claim.numbers["value"].tolist() == pytest.approx([8**0.5, 2, 4])
    assert "CNN 2.00 (95 % interval [2.00, 2.00]), MLNN 4.00" in claim.evidence


def test_one_family_does_not_speak_for_the_other() -> None:
    flat = [curve(speed=8), curve(speed=8)]
    rough = [curve(speed=8, noise=noise) for noise in (0.079, 0.08)]
    less = [curve(speed=8, noise=0.009)] * 2
    for own, verdict in ((rough, "supported"), (less, "cannot tell")):
        curves = {SGD: flat, ADAM: rough, MLNN: flat, MLNN_ADAM: own}
        claim = judge_smoother_curves(planted(dict.fromkeys(curves, wheel(45, 45)), curves))
        assert claim.numbers["low"][0] > 1
        assert claim.verdict == verdict


def test_a_seed_that_one_family_lacks_enters_no_mean() -> None:
    curves = {
        SGD: [curve(speed=8)] * 3,
        ADAM: [curve(speed=8, noise=0.01 * ratio) for ratio in (2, 3, 100)],
        MLNN: [curve(speed=8)] * 2,
        MLNN_ADAM: [curve(speed=8, noise=0.01 * ratio) for ratio in (2, 3)],
    }
    matrices = {name: wheel(*[45] * len(own)) for name, own in curves.items()}
    found = judge_smoother_curves(planted(matrices, curves))
    assert found.numbers["value"].tolist() == pytest.approx([6**0.5] * 3)
    assert "2 seeds" in found.evidence


# 5. Similar scores within a family.


@pytest.mark.parametrize(
    ("adam", "verdict"),
    [
        ((45, 45, 45), "supported"),
        ((35, 36, 34), "contradicted"),
        ((49, 50, 48), "contradicted"),
        ((43, 47, 45), "cannot tell"),
    ],
)
def test_similar_scores(adam: tuple[int, ...], verdict: str) -> None:
    loaded_study = planted({SGD: wheel(45, 45, 45), ADAM: wheel(*adam)})
    claim = clean(
        judge_similar_scores(
            bootstrap_scores(loaded_study.predictions), make_equivalence_keys(loaded_study)
        )
    )
    assert claim.verdict == verdict
    assert claim.numbers["value"][0] == pytest.approx(0.9 - np.mean(adam) / CLASS_SIZE)


@pytest.mark.parametrize(("fewer", "verdict"), [(1, "supported"), (6, "cannot tell")])
def test_a_separated_difference_of_about_a_point_contradicts_nothing(
    fewer: int, verdict: str
) -> None:
    # Always the same images of 400, so that the seeds have no spread.
    sgd, adam = (errors({(c, (c + 1) % 8): 8 - (c == 0) * n for c in range(8)}) for n in (0, fewer))
    loaded_study = planted({SGD: [sgd] * 3, ADAM: [adam] * 3})
    claim = judge_similar_scores(
        bootstrap_scores(loaded_study.predictions), make_equivalence_keys(loaded_study)
    )
    assert claim.verdict == verdict
    assert (claim.numbers["p_holm"][0] < 0.05) == (fewer == 6)


def test_the_same_function_twice_is_counted_and_decides_nothing() -> None:
    loaded_study = planted({SGD: wheel(45, 44), SGD_NLL: wheel(45, 44)})
    claim = clean(
        judge_similar_scores(
            bootstrap_scores(loaded_study.predictions), make_equivalence_keys(loaded_study)
        )
    )
    assert claim.verdict == "cannot tell"
    assert "In 1 pair the loss alone differs" in claim.evidence
    loaded_study = planted({SGD: wheel(45, 44), ADAM: wheel(35, 34), SGD_NLL: wheel(45, 44)})
    claim = clean(
        judge_similar_scores(
            bootstrap_scores(loaded_study.predictions), make_equivalence_keys(loaded_study)
        )
    )
    assert claim.verdict == "contradicted"
    assert "Of 2 pairs within a family" in claim.evidence


# 6. The central class.

CENTER = {(0, 3): 18, (0, 1): 6, (5, 3): 24, (5, 4): 6, (1, 2): 12}


def moved(cells: Mapping[tuple[int, int], int], one: int, other: int) -> ConfusionMatrix:
    swap = {one: other, other: one}
    return errors({(swap.get(t, t), swap.get(p, p)): n for (t, p), n in cells.items()})


def test_shares_of_the_errors() -> None:
    cells = (errors(CENTER) - np.diag(np.diag(errors(CENTER)))).astype(float)
    expected = np.array([24, 18, 12, 42, 6, 30, 0, 0]) / 66
    np.testing.assert_allclose(compute_error_shares(cells), expected)
    np.testing.assert_allclose(
        compute_mistaken_shares(cells, 0), [0, 6 / 24, 0, 18 / 24, 0, 0, 0, 0]
    )
    np.testing.assert_allclose(compute_mistaken_shares(cells, 7), np.zeros(8))


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (errors(CENTER), "supported"),
        (moved(CENTER, 2, 3), "contradicted"),
        # 0 is taken for 3 less often than for 1, which could be chance.
        (errors(CENTER | {(0, 3): 12, (0, 1): 13, (2, 3): 20, (4, 3): 12}), "cannot tell"),
        # Class 1 takes part in 36 errors, class 3 in 42.
        (errors(CENTER | {(1, 2): 30}), "cannot tell"),
    ],
)
def test_the_central_class(matrix: ConfusionMatrix, verdict: str) -> None:
    loaded_study = planted({MLNN: [errors(CENTER)] * 3, SGD: [matrix] * 3})
    claim = clean(
        judge_central_class(
            loaded_study.predictions, count_confusion_errors(loaded_study.predictions)
        )
    )
    assert claim.verdict == verdict
    assert claim.numbers["value"][0] == pytest.approx((42 - 30) / 66)
    assert "MLNN: class 3 takes part in 63.64 % of the errors, class 5 in 45.45 %" in claim.evidence


def test_one_seed_does_not_decide_the_central_class() -> None:
    loaded_study = planted({SGD: [errors(CENTER)]})
    claim = clean(
        judge_central_class(
            loaded_study.predictions, count_confusion_errors(loaded_study.predictions)
        )
    )
    assert claim.verdict == "cannot tell"
    assert claim.numbers["low"][0] > 0


def test_the_interval_of_a_share_is_that_of_counting() -> None:
    # Of the 24 errors on class 0, 18 are taken for 3 and 6 for 1: a mean of 24 ones and -1s.
    loaded_study = planted({SGD: [errors(CENTER)]})
    claim = judge_central_class(
        loaded_study.predictions, count_confusion_errors(loaded_study.predictions)
    )
    half = (claim.numbers["high"][1] - claim.numbers["low"][1]) / 2
    assert half == pytest.approx(1.96 * np.repeat([1, -1], [18, 6]).std() / np.sqrt(24), rel=0.1)


# 7. The perfect class.


def test_a_class_without_errors() -> None:
    claim = clean(
        judge_perfect_class(planted({SGD: wheel(50, 50), MLNN: wheel(50, 50)}).predictions)
    )
    assert claim.verdict == "supported"
    assert "Of 200 predictions on class 7 (4 trials), none is wrong" in claim.evidence
    assert f"{0.025 ** (1 / 50):.2%}".replace("%", " %") in claim.evidence


def test_one_error_contradicts_and_the_paper_contradicts_itself() -> None:
    matrices = {SGD: [errors({}), errors({(7, 1): 1, (2, 7): 3})]}
    claim = clean(judge_perfect_class(planted(matrices).predictions))
    assert claim.verdict == "contradicted"
    assert "Of 100 predictions on class 7 (2 trials), 1 is wrong, in 1 trial." in claim.evidence
    assert "taken for it 3 times" in claim.evidence
    assert "469 of 470 for cnn-config-3" in claim.evidence


# 8. The pattern of confusion.

FAR = {(3, 0): 18, (1, 0): 6, (3, 5): 24, (4, 5): 6, (2, 1): 12}


def test_likeness_is_the_correlation_of_the_sums() -> None:
    one = [errors(CENTER), errors({(0, 3): 10, (6, 2): 9}), errors({(0, 3): 9, (6, 2): 7})]
    other = [errors({(0, 3): 8, (5, 3): 9}), errors({(0, 3): 12, (6, 1): 4}), errors(CENTER)]
    found = correlate_patterns(
        count_confusion_errors(planted({SGD: one, ADAM: other}).predictions), [SGD], [ADAM]
    )
    off = ~np.eye(8, dtype=bool)

    def r(seeds: Sequence[int]) -> float:
        x, y = (np.sum([own[s][off] for s in seeds], axis=0) for own in (one, other))
        return float(np.corrcoef(x, y)[0, 1])

    assert found is not None
    assert found.mean == pytest.approx(r([0, 1, 2]), abs=1e-6)
    assert found.low < found.mean < found.high < 1
    # The jackknife's standard error: sd / sqrt(3), of Fisher's z without each seed in turn.
    without = np.arctanh([r([1, 2]), r([0, 2]), r([0, 1])])
    assert found.sd == pytest.approx(2 * without.std(ddof=1))


@pytest.mark.parametrize(
    ("adam", "verdict"),
    [
        ([errors(CENTER)] * 3, "supported"),
        ([errors(FAR)] * 3, "contradicted"),
        ([errors(CENTER), errors(FAR), errors(CENTER)], "cannot tell"),
        # r of the sums is above .9, but one seed of three lowers it.
        ([errors(CENTER), errors(CENTER | {(6, 2): 24}), errors(CENTER)], "cannot tell"),
    ],
)
def test_the_same_pattern(adam: list[ConfusionMatrix], verdict: str) -> None:
    loaded_study = planted({SGD: [errors(CENTER)] * 3, ADAM: adam, MLNN: [errors(FAR)] * 3})
    found = count_confusion_errors(loaded_study.predictions)
    claim = clean(
        judge_same_pattern(loaded_study.predictions, found, make_equivalence_keys(loaded_study))
    )
    assert claim.verdict == verdict
    assert "Between the two families" in claim.evidence


def test_patterns_of_the_same_function_are_no_evidence() -> None:
    loaded_study = planted({SGD: [errors(CENTER)] * 2, SGD_NLL: [errors(CENTER)] * 2})
    claim = judge_same_pattern(
        loaded_study.predictions,
        count_confusion_errors(loaded_study.predictions),
        make_equivalence_keys(loaded_study),
    )
    assert claim.verdict == "cannot tell"
    assert len(claim.numbers) == 0


# Studies that lack something.


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        ({}, "no finished trial"),
        ({SGD: wheel(45)}, "no finished MLNN trial"),
        ({SGD: wheel(50)}, "no finished MLNN trial"),
        ({MLNN: wheel(45)}, "no finished CNN trial"),
        ({SGD: wheel(45), MLNN: wheel(35)}, "One seed"),
        ({SGD: wheel(45, 44), MLNN: wheel(35, 34), ADAM: wheel(44)}, "rests on one seed"),
        ({"a": wheel(45), "b": wheel(45)}, "no finished MLNN trial"),
    ],
)
def test_what_a_study_lacks_is_said(matrices: dict[str, list[ConfusionMatrix]], words: str) -> None:
    loaded_study = planted(matrices)
    found = [
        clean(claim)
        for claim in judge_claims(loaded_study, bootstrap_scores(loaded_study.predictions))
    ]
    assert len(found) == 8
    assert words in found[0].evidence
    wrong = [c for own in matrices.values() for c in own if c[7, 7] < CLASS_SIZE]
    assert found.pop(6).verdict == (
        "contradicted" if wrong else "supported" if matrices else "cannot tell"
    )
    assert {claim.verdict for claim in found} == {"cannot tell"}


def test_curves_that_are_too_short_are_said() -> None:
    loaded_study = planted(
        {SGD: wheel(45), ADAM: wheel(45)}, {SGD: [np.array([1.0])], ADAM: [np.array([1.0])]}
    )
    for claim in (judge_smoother_curves(loaded_study), judge_faster_convergence(loaded_study)):
        assert clean(claim).evidence == "The curves are too short to be compared."


def test_drawn_cells_have_no_claims(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "synthetic", {SGD: wheel(45)}, kind=DataKind.SYNTHETIC
    )
    loaded_study = read_study_files(ledger)
    assert judge_study(loaded_study, bootstrap_scores(loaded_study.predictions)) is None


def test_claims_are_of_published_settings_alone(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "search",
        {SGD: wheel(45), MLNN: wheel(35), "other": wheel(20)},
        config_overrides={"other": {"learning_rate": 0.5, "dropout": 0.6}},
    )
    loaded_study = read_study_files(ledger)
    part = select_published_trials(loaded_study)
    assert part.predictions.configurations == [SGD, MLNN]
    assert [trial.configuration for trial in part.study.trials] == [SGD, MLNN]
    assert set(part.epochs) == set(part.records) == set(part.predictions.trials["id"])
    np.testing.assert_array_equal(
        part.predictions.predicted_classes, loaded_study.predictions.predicted_classes[:2]
    )
    others = {name: {"learning_rate": 0.5} for name in ("a", "b")}
    none = grid_builder.build_grid(
        tmp_path / "none", {name: wheel(20) for name in others}, config_overrides=others
    )
    unpublished = read_study_files(none)
    assert judge_study(unpublished, bootstrap_scores(unpublished.predictions)) is None


def test_the_section_of_a_study_with_a_failed_trial(tmp_path: Path) -> None:
    matrices = {SGD: wheel(45, 44, 46), MLNN: wheel(35, 36, 34), ADAM: wheel(45)}
    failed = {(SGD, 1): "loss is nan in epoch 3, step 5", (ADAM, 0): "killed"}
    ledger = grid_builder.build_grid(
        tmp_path / "own", matrices, kind=DataKind.FILE, failed_trials=failed
    )
    analysis = analyze(ledger, None)
    judged = judge_study(analysis.study.loaded_study, analysis.study.bootstrap)
    assert judged is not None
    assert judged.n_trials == 5
    assert judged.missing_names == [ADAM]
    made = make_section(judged, context=analysis.context)
    (table,) = made.tables
    assert [row[1] for row in table.rows][:2] == ["supported", "supported"]
    assert table.rows[0][0].endswith("in every configuration (sections 4.3, 5).")
    assert any("not the file that the paper used" in words for words in made.paragraphs)
    assert any(words.endswith("in no verdict: cnn-config-2.") for words in made.paragraphs)
    assert set(table.values["claim"]) == set(range(1, 9))


def test_every_claim_is_in_the_numbers() -> None:
    loaded_study = planted({SGD: wheel(45)})
    frame = make_claims_frame(
        judge_claims(loaded_study, bootstrap_scores(loaded_study.predictions))
    )
    assert frame["claim"].unique().tolist() == list(range(1, 9))
    assert frame["statement"].notna().all()
