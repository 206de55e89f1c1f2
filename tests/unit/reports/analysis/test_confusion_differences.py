"""Differences of confusion cells: known predictions in, known differences out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.analysis import confusion_differences
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.report_frames import make_test_predictions

Trial = tuple[str, str, str, Sequence[int]]  # name, family, replicate, predicted classes


def make_predictions(labels: Sequence[int], *trials: Trial) -> TestPredictions:
    """Trials that are certain of what they predict."""
    frame = pd.DataFrame(trials, columns=["configuration", "family", "replicate", "predicted"])
    return TestPredictions(
        trials=frame.drop(columns="predicted").assign(study="s", loss="nll", optimizer="sgd"),
        labels=np.array(labels, dtype=np.int64),
        probabilities=np.eye(8, dtype=np.float32)[np.array(frame["predicted"].tolist())],
    )


def list_pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(frame["a"], frame["b"], strict=True)))


def get_cell(frame: pd.DataFrame, a: str, b: str, true: int, predicted: int) -> pd.Series:
    keys = (frame["a"] == a) & (frame["b"] == b)
    return frame[keys & (frame["true"] == true) & (frame["predicted"] == predicted)].iloc[0]


# Of 1,000 images of class 2, `good` takes 40 for class 5 and `poor` 130, of which 10 in common.
TRUE = [2] * 1000
GOOD = [5] * 40 + [2] * 960
POOR = [2] * 30 + [5] * 130 + [2] * 840


def test_compute_cell_differences_have_sign_and_cell_of_the_images() -> None:
    frame = confusion_differences.compute_cell_differences(
        make_predictions(TRUE, ("poor", "cnn", "s0", POOR), ("good", "cnn", "s0", GOOD))
    )
    assert len(frame) == 64
    mistaken, right = (get_cell(frame, "good", "poor", 2, predicted) for predicted in (5, 2))
    assert (mistaken["count_a"], mistaken["count_b"], mistaken["difference"]) == (40, 130, -90)
    assert right["difference"] == 90
    assert get_cell(frame, "good", "poor", 5, 2)["difference"] == 0
    assert (mistaken["shade"], right["shade"]) == (5, 5)  # fewer errors are better, too


def test_compute_cell_differences_shade_is_negative_where_a_is_worse() -> None:
    better = [0] * 100 + [1] * 60 + [2] * 40
    worse = [0] * 20 + [1] * 80 + [1] * 100
    frame = confusion_differences.compute_cell_differences(
        make_predictions(
            [0] * 100 + [1] * 100, ("a", "cnn", "s0", better), ("b", "cnn", "s0", worse)
        )
    )
    cells = {(0, 0): 1, (0, 1): 1, (1, 1): -1, (1, 2): -1, (2, 2): 0}
    for (true, predicted), sign in cells.items():
        assert np.sign(get_cell(frame, "a", "b", true, predicted)["shade"]) == sign


def test_compute_cell_differences_of_one_seed_have_the_interval_of_discordant_images() -> None:
    frame = confusion_differences.compute_cell_differences(
        make_predictions(TRUE, ("good", "cnn", "s0", GOOD), ("poor", "cnn", "s0", POOR))
    )
    cell = get_cell(frame, "good", "poor", 2, 5)
    # 120 images are the poor one's alone and 30 the good one's: a multinomial's variance.
    half = 1.96 * np.sqrt(30 + 120 - 90**2 / 1000)
    assert cell["difference_high"] - cell["difference"] == pytest.approx(half, rel=0.06)
    assert cell["p_holm"] < 1e-9
    assert cell["significant"]
    assert np.isnan(cell["difference_sd"])


def test_compute_cell_differences_adjust_p_for_the_64_cells_of_a_pair() -> None:
    # Two cells differ, by 1.9 standard errors and so by p = .06 each; the others do not.
    near = [5] * 13 + [2] * 987
    frame = confusion_differences.compute_cell_differences(
        make_predictions(TRUE, ("a", "cnn", "s0", [2] * 1000), ("b", "cnn", "s0", near))
    )
    cell = get_cell(frame, "a", "b", 2, 5)
    assert 0 < cell["p"] < 0.001
    assert cell["p_holm"] == pytest.approx(64 * cell["p"])


def test_compute_cell_differences_compare_each_model_once() -> None:
    other = [2] * 960 + [5] * 40
    trials = make_predictions(
        TRUE,
        ("a", "cnn", "s0", GOOD),
        ("same", "cnn", "s0", GOOD),
        ("other images", "cnn", "s0", other),
        ("other family", "mlnn", "s0", GOOD),
    )
    frame = confusion_differences.compute_cell_differences(trials)
    assert (frame["difference"] == 0).all()
    assert not frame["significant"].any()
    assert list_pairs(frame) == [
        ("a", "other images"),
        ("a", "other family"),
        ("other images", "other family"),
    ]


def test_compute_cell_differences_compare_the_seeds_that_both_have() -> None:
    worse = [5] * 200 + [2] * 800
    frame = confusion_differences.compute_cell_differences(
        make_predictions(
            TRUE,
            ("a", "cnn", "s0", GOOD),
            ("a", "cnn", "s1", worse),
            ("b", "cnn", "s2", POOR),
            ("b", "cnn", "s0", POOR),
            ("alone", "cnn", "s7", GOOD),
        )
    )
    assert list_pairs(frame) == [("a", "b")]
    assert frame["replicates"].tolist() == [1] * 64
    assert get_cell(frame, "a", "b", 2, 5)["difference"] == -90


def test_compute_cell_differences_of_two_seeds_are_means_with_their_sd() -> None:
    second = [5] * 50 + [2] * 950
    frame = confusion_differences.compute_cell_differences(
        make_predictions(
            TRUE,
            ("a", "cnn", "s0", GOOD),
            ("a", "cnn", "s1", second),
            ("b", "cnn", "s0", POOR),
            ("b", "cnn", "s1", POOR),
        )
    )
    cell = get_cell(frame, "a", "b", 2, 5)
    assert (cell["count_a"], cell["difference"]) == (45, -85)
    assert cell["difference_sd"] == pytest.approx(10 / np.sqrt(2))


def test_compute_cell_differences_of_seeds_that_agree_keep_the_variance_of_the_images() -> None:
    # Each seed of `a` gets two images wrong, other ones: 4 chances of 1 image, halved, is se 1.
    frame = confusion_differences.compute_cell_differences(
        make_predictions(
            TRUE,
            ("a", "cnn", "s0", [5] * 2 + [2] * 998),
            ("a", "cnn", "s1", [2] * 998 + [5] * 2),
            ("b", "cnn", "s0", [2] * 1000),
            ("b", "cnn", "s1", [2] * 1000),
        )
    )
    cell = get_cell(frame, "b", "a", 2, 5)
    assert (cell["difference"], cell["difference_sd"]) == (-2, 0)
    assert cell["difference_high"] == pytest.approx(-2 + 1.96, abs=0.1)
    assert not cell["significant"]


def test_compute_cell_differences_have_the_replicate_variance_of_the_two_configurations_only() -> (
    None
):
    """Another configuration, however unstable, changes nothing."""
    seeds = [[5] * n + [2] * (1000 - n) for n in (40, 50, 60)]
    shifted = [predicted[7:] + predicted[:7] for predicted in seeds]
    unstable = [[5] * n + [2] * (1000 - n) for n in (1, 400, 900)]
    trials = [
        (name, "cnn", f"s{seed}", predicted)
        for name, own in (("a", seeds), ("b", shifted), ("unstable", unstable))
        for seed, predicted in enumerate(own)
    ]
    of_two, of_three = (
        confusion_differences.compute_cell_differences(make_predictions(TRUE, *some))
        for some in (trials[:6], trials)
    )
    of_three = of_three[(of_three["a"] == "a") & (of_three["b"] == "b")]
    columns = ["difference", "difference_low", "difference_high", "p"]
    np.testing.assert_array_equal(of_three[columns], of_two[columns])


def test_choose_first_pair_takes_the_best_of_two_families() -> None:
    trials = make_predictions(
        TRUE,
        ("m", "mlnn", "s0", POOR),
        ("c", "cnn", "s0", GOOD),
        ("c-twin", "cnn", "s0", GOOD),
        ("d", "cnn", "s0", [5] * 41 + [2] * 959),
    )
    frame = confusion_differences.compute_cell_differences(trials)
    families = {"m": "mlnn", "c": "cnn", "d": "cnn"}
    assert confusion_differences.rank_by_macro_f1(trials) == ["c", "c-twin", "d", "m"]
    assert confusion_differences.choose_first_pair(frame, families) == ("c", "m")
    assert confusion_differences.choose_first_pair(frame, dict.fromkeys(families, "cnn")) == (
        "c",
        "d",
    )


def test_compare_confusions_counts_a_model_and_its_twin_once() -> None:
    trials = make_predictions(
        TRUE, ("m", "mlnn", "s0", POOR), ("c", "cnn", "s0", GOOD), ("twin", "cnn", "s0", GOOD)
    )
    differences = confusion_differences.compare_confusions(trials)
    assert differences.first_pair == ("c", "m")
    assert differences.n_models == 2
    assert len(differences.cells) == 64


@pytest.mark.parametrize("names", [[], ["a"], ["a", "twin"]])
def test_compare_confusions_without_different_pair_has_no_first_pair(names: list[str]) -> None:
    trials = make_predictions(TRUE, ("a", "cnn", "s0", GOOD), ("twin", "cnn", "s0", GOOD))
    is_kept = trials.trials["configuration"].isin(names).to_numpy()
    differences = confusion_differences.compare_confusions(
        replace(
            trials,
            trials=trials.trials[is_kept].reset_index(drop=True),
            probabilities=trials.probabilities[is_kept],
        )
    )
    assert differences.first_pair is None
    assert differences.n_models == len(names[:1])


def test_compute_cell_differences_of_many_compare_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion_differences, "MAX_COMPARED", 3)
    trials = make_predictions(
        TRUE[:100], *((f"c{i}", "cnn", "s0", [5] * (9 - i) + [2] * (91 + i)) for i in range(5))
    )
    assert list_pairs(confusion_differences.compute_cell_differences(trials)) == [
        ("c4", "c3"),
        ("c4", "c2"),
        ("c3", "c2"),
    ]


def test_compute_cell_differences_without_a_common_seed_are_empty() -> None:
    frame = confusion_differences.compute_cell_differences(
        make_predictions(TRUE, ("a", "cnn", "s0", GOOD), ("b", "cnn", "s1", POOR))
    )
    assert frame.empty


@pytest.mark.parametrize(("n_classes", "n_compared"), [(5, 5), (27, 5), (60, 5), (71, 4), (100, 3)])
def test_compare_confusions_of_many_classes_compare_fewer(n_classes: int, n_compared: int) -> None:
    matrix = np.eye(n_classes, dtype=np.int64)
    names = [f"cnn-config-{i}" for i in range(1, 6)]
    predictions = make_test_predictions({name: [matrix] for name in names})
    differing = replace(predictions, probabilities=predictions.probabilities.copy())
    for row in range(len(names)):
        differing.probabilities[row, row, :2] = differing.probabilities[row, row, 1::-1]
    found = confusion_differences.compare_confusions(differing)
    assert (found.n_models, found.n_compared) == (5, n_compared)
