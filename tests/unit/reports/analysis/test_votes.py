"""Votes of trained models: their members, scores, gains, intervals and adjusted p-values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import bootstrap_counts, bootstrap_scores
from reports.analysis.intervals import adjust_holm
from reports.analysis.votes import VoteComparison, VoteKind, compare_votes, predict_by_vote
from reports.ledger.loading import LoadedStudy, read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix

CNN, COPY, MLNN = "cnn-config-1", "cnn-config-3", "mlnn-config-1"
MATRICES = {
    MLNN: [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (7, 8, 9)],
    CNN: [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 3, 5)],
    COPY: [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 3, 5)],
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    """A grid of two models with three seeds, one of them trained with two loss functions."""
    return read_study_files(build_grid(tmp_path_factory.mktemp("votes") / "s", MATRICES))


def compare(study: LoadedStudy) -> VoteComparison:
    comparison = compare_votes(study, bootstrap_scores(study.predictions))
    assert comparison is not None
    return comparison


def set_val_scores(study: LoadedStudy, scores: Mapping[str, Sequence[float]]) -> LoadedStudy:
    """Return the study with these values of macro F1 on val, by configuration and seed."""
    records = {
        key: replace(
            record,
            scores={
                **record.scores,
                "val": {"macro_f1": scores[record.configuration][record.config["seed"]]},
            },
        )
        for key, record in study.records.items()
    }
    return replace(study, records=records)


def find_rows(study: LoadedStudy, name: str) -> NDArray[np.intp]:
    return np.flatnonzero(study.predictions.trials["configuration"] == name)


def average(study: LoadedStudy, rows: NDArray[np.intp]) -> IntArray:
    """Return the classes that a vote of trials predicts, by a loop over the trials."""
    total = np.zeros(study.predictions.probabilities.shape[1:])
    for row in rows:
        total += study.predictions.probabilities[row]
    return np.asarray(total.argmax(axis=1), dtype=np.int64)


def resample_f1(labels: IntArray, predicted: IntArray) -> FloatArray:
    """Return macro F1 on each resample, from its definition."""
    counts = np.concatenate(list(bootstrap_counts(labels.size)))
    f1 = []
    for c in range(8):
        correct = counts @ ((labels == c) & (predicted == c))
        f1.append(2 * correct / (counts @ (labels == c) + counts @ (predicted == c)))
    return np.asarray(np.mean(f1, axis=0))


def test_compare_votes_lists_replicates_then_the_best_models(study: LoadedStudy) -> None:
    comparison = compare(study)
    assert [(vote.kind, vote.configurations) for vote in comparison.votes] == [
        (VoteKind.REPLICATES, (CNN,)),
        (VoteKind.REPLICATES, (MLNN,)),
        (VoteKind.CONFIGURATIONS, (CNN, MLNN)),
    ]
    assert comparison.frame["members"].tolist() == [3, 3, 6]
    ids = study.predictions.trials["id"]
    for vote, trials in zip(comparison.votes, comparison.frame["trials"], strict=True):
        assert vote.trial_ids == tuple(ids.iloc[vote.rows]) == tuple(trials.split())


def test_compare_votes_selects_by_val_even_if_test_disagrees(study: LoadedStudy) -> None:
    changed = set_val_scores(study, {MLNN: [0.8, 0.95, 0.7], CNN: [0.6, 0.5, 0.7], COPY: [0.6] * 3})
    comparison = compare(changed)
    assert [vote.configurations for vote in comparison.votes] == [(MLNN,), (CNN,), (MLNN, CNN)]
    best = [study.records[trial_id] for trial_id in comparison.frame["best_trial"]]
    assert [(b.configuration, b.config["seed"]) for b in best] == [(MLNN, 1), (CNN, 2), (MLNN, 1)]
    expected = [record.scores["test"]["macro_f1"] for record in best]
    assert comparison.frame["best_macro_f1"].tolist() == pytest.approx(expected)
    assert comparison.frame["test_macro_f1"].argmin() == 0


def test_compare_votes_has_votes_of_two_three_and_all_models(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(4)]
    matrices = {name: [worsen_matrix(ASYMMETRIC, n_moved=i)] for i, name in enumerate(names)}
    study = read_study_files(build_grid(tmp_path / "s", matrices))
    comparison = compare(study)
    assert [vote.configurations for vote in comparison.votes] == [
        tuple(names[:count]) for count in (2, 3, 4)
    ]
    assert {vote.kind for vote in comparison.votes} == {VoteKind.CONFIGURATIONS}


@pytest.mark.parametrize("score", ["macro_f1", "accuracy"])
def test_compare_votes_scores_the_mean_of_the_probabilities(study: LoadedStudy, score: str) -> None:
    frame = compare(study).frame
    labels = study.predictions.labels
    for row, names in zip(frame.to_dict("records"), ([CNN], [MLNN], [CNN, MLNN]), strict=True):
        rows = np.concatenate([find_rows(study, name) for name in names])
        predicted = average(study, rows)
        expected = (
            accuracy_score(labels, predicted)
            if score == "accuracy"
            else f1_score(labels, predicted, average="macro")
        )
        members = np.array(
            [study.records[i].scores["test"][score] for i in row["trials"].split()], np.float64
        )
        assert row[f"test_{score}"] == pytest.approx(expected)
        assert row[f"mean_{score}"] == pytest.approx(members.mean())
        assert row[f"{score}_gain_mean"] == pytest.approx(expected - members.mean())
        best = study.records[row["best_trial"]].scores["test"][score]
        assert row[f"{score}_gain_best"] == pytest.approx(expected - best)


def test_compare_votes_intervals_are_paired_by_resample(study: LoadedStudy) -> None:
    frame, labels = compare(study).frame, study.predictions.labels
    rows = find_rows(study, CNN)
    vote = resample_f1(labels, average(study, rows))
    members = np.array([resample_f1(labels, p) for p in study.predictions.predicted_classes[rows]])
    first = frame.iloc[0]
    for name, other in (("mean", members.mean(axis=0)), ("best", members[0])):
        gain, sd = first[f"macro_f1_gain_{name}"], (vote - other).std(ddof=1)
        assert first[f"macro_f1_gain_{name}_low"] == pytest.approx(gain - 1.95996 * sd, abs=1e-5)
        assert first[f"macro_f1_gain_{name}_high"] == pytest.approx(gain + 1.95996 * sd, abs=1e-5)
        assert first[f"p_{name}"] == pytest.approx(2 * stats.norm.sf(abs(gain) / sd), abs=1e-6)
    half_width = (first["test_macro_f1_high"] - first["test_macro_f1_low"]) / 2
    assert half_width == pytest.approx(1.95996 * vote.std(ddof=1), rel=1e-3)


def test_compare_votes_adjusts_the_p_values_of_both_gains_together(study: LoadedStudy) -> None:
    comparison = compare(study)
    columns = ["p_mean", "p_best"]
    p = comparison.frame[columns].to_numpy()
    adjusted = comparison.frame[[f"{column}_holm" for column in columns]].to_numpy()
    assert comparison.n_tests == p.size == 6
    assert adjusted.ravel() == pytest.approx(adjust_holm(p.ravel()))


def test_compare_votes_of_equal_members_gains_nothing(tmp_path: Path) -> None:
    """The same predictions with two seeds have a gain of exactly 0, which is no evidence."""
    study = read_study_files(build_grid(tmp_path / "s", {CNN: [ASYMMETRIC, ASYMMETRIC]}))
    predictions = study.predictions
    same = np.repeat(predictions.probabilities[:1], 2, axis=0)
    study = replace(study, predictions=replace(predictions, probabilities=same))
    (row,) = compare(study).frame.to_dict("records")
    assert (row["macro_f1_gain_mean"], row["p_mean"], row["p_best_holm"]) == (0, 1, 1)
    assert np.isnan(row["macro_f1_gain_mean_low"])


def test_compare_votes_scores_the_vote_on_val(study: LoadedStudy) -> None:
    comparison = compare(study)
    for vote, score in zip(comparison.votes, comparison.frame["val_macro_f1"], strict=True):
        members = [study.val_predictions[trial_id] for trial_id in vote.trial_ids]
        predicted = np.sum([m.probabilities.astype(float) for m in members], axis=0).argmax(axis=1)
        assert score == pytest.approx(f1_score(members[0].labels, predicted, average="macro"))


def test_compare_votes_costs_are_sums_and_unknown_if_one_is(study: LoadedStudy) -> None:
    costs = {key: (r.parameters, r.operations) for key, r in study.records.items()}
    comparison = compare(study)
    for vote, row in zip(comparison.votes, comparison.frame.to_dict("records"), strict=True):
        assert row["parameters"] == sum(costs[i][0] or 0 for i in vote.trial_ids)
        assert row["operations"] == sum(costs[i][1] or 0 for i in vote.trial_ids)
    first = comparison.votes[0].trial_ids[0]
    records = {**study.records, first: replace(study.records[first], operations=None)}
    frame = compare(replace(study, records=records)).frame
    assert frame["operations"].isna().tolist() == [True, False, True]
    assert frame["parameters"].notna().all()


def test_compare_votes_of_a_cross_validation_use_test_only(tmp_path: Path) -> None:
    matrices = {name: MATRICES[name] for name in (CNN, MLNN)}
    comparison = compare(read_study_files(build_grid(tmp_path / "s", matrices, folds=3)))
    frame = comparison.frame
    assert comparison.has_folds
    assert comparison.n_tests == len(frame) == 3
    assert not {column for column in map(str, frame) if "val" in column or "best" in column}
    assert frame["macro_f1_gain_mean"].notna().all()


def test_compare_votes_of_one_model_is_none(tmp_path: Path) -> None:
    study = read_study_files(build_grid(tmp_path / "s", {CNN: [ASYMMETRIC], COPY: [ASYMMETRIC]}))
    assert compare_votes(study, bootstrap_scores(study.predictions)) is None


def test_compare_votes_without_an_error_has_an_interval_below_1(tmp_path: Path) -> None:
    """The bootstrap cannot draw an error that no image shows."""
    perfect = np.diag(ASYMMETRIC.sum(axis=1))
    study = read_study_files(build_grid(tmp_path / "s", {CNN: [perfect, perfect]}))
    (row,) = compare(study).frame.to_dict("records")
    assert row["test_accuracy"] == row["test_accuracy_high"] == 1
    assert row["test_accuracy_low"] == pytest.approx(0.025 ** (1 / 360))


def test_predict_by_vote_can_differ_from_the_majority() -> None:
    probabilities = np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.4, 0.6]]], np.float32)
    assert predict_by_vote(probabilities).tolist() == [0]
