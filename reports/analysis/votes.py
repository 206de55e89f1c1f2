"""Score soft votes of trained models, i.e. the mean of their class probabilities.

A vote needs no training and no further test evaluation, because each trial stored its probabilities
on val and test. Its members are chosen by val only: the replicates of one configuration, or of the
configurations with the highest mean macro F1 on val.

Each configuration has only one vote, so the variance between votes of other replicates is unknown.
Intervals and tests therefore include only the choice of the test images. They are paired, because
a vote and its members are scored on the same resamples.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import BootstrapScores, resample_confusions
from reports.analysis.border_intervals import Bounds, bound_scores
from reports.analysis.intervals import adjust_holm, make_estimates
from reports.analysis.uncertainty import MeanVariance
from reports.ledger.loading import LoadedStudy
from reports.ledger.test_predictions import TestPredictions

SCORES = ("macro_f1", "accuracy")

_SIZES = ("parameters", "operations")
_BEST_COUNTS = (2, 3)
"""Numbers of the best configurations that vote, besides all of them."""


class VoteKind(StrEnum):
    """Kind of a vote.

    Attributes:
        REPLICATES: All replicates of one configuration.
        CONFIGURATIONS: All replicates of several configurations.
    """

    REPLICATES = "replicates"
    CONFIGURATIONS = "configurations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Members of a vote.

    Attributes:
        kind: Kind of the vote.
        configurations: Names of the configurations, from the highest mean macro F1 on val.
        trial_ids: Ids of the members, at least two.
        rows: Positions of the members in `TestPredictions`, int64.
    """

    kind: VoteKind
    configurations: tuple[str, ...]
    trial_ids: tuple[str, ...]
    rows: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteComparison:
    """Votes of a study beside their members.

    Attributes:
        votes: Votes, those of one configuration first, from the highest mean macro F1 on val.
        frame: A row for each vote, in the same order. Scores are fractions, 0 to 1:

            - `kind` (str): A `VoteKind`.
            - `configurations` (str): Names of the configurations, separated by ` + `.
            - `n_configurations`, `members` (int): Numbers of configurations and of models.
            - `trials` (str): Ids of the members, separated by spaces.
            - `parameters`, `operations` (float): Sums over the members, as in
              `frames.make_trials_frame`; NaN if unknown.
            - `val_macro_f1` (float): Macro F1 of the vote on val.
            - `best_trial` (str): Id of the member with the highest macro F1 on val.
            - `test_macro_f1` (float): Macro F1 of the vote on test, with the ends `_low` and
              `_high` of its 95% confidence interval.
            - `mean_macro_f1`, `best_macro_f1` (float): Mean macro F1 of the members on test,
              and that of `best_trial`.
            - `macro_f1_gain_mean`, `macro_f1_gain_best` (float): `test_macro_f1` minus either, -1
              to 1, with the ends of the paired interval.
            - The same columns of `accuracy` (float).
            - `p_mean`, `p_best` (float): Two-sided p-values of the gains in macro F1, with
              `p_mean_holm` and `p_best_holm`, adjusted over all of both columns.

            In a cross-validation, members have other images on val, so there are no columns of the
            score on val and of the best member.
        has_folds: Whether the study is a cross-validation.
        n_tests: Number of p-values that are adjusted together.
    """

    votes: tuple[Vote, ...]
    frame: pd.DataFrame
    has_folds: bool
    n_tests: int


def compare_votes(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> VoteComparison | None:
    """Compare every vote of a study with its members, on test.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.

    Returns:
        Comparison; None if no configuration has two replicates, and there is only one.
    """
    trials = bootstrap.trials
    val_scores = _list_val_scores(loaded_study, trials["id"])
    votes = list_votes(bootstrap, val_scores)
    if not votes:
        return None
    grid = loaded_study.study.grid
    has_folds = grid is not None and grid.folds is not None
    frame = pd.DataFrame(_describe_vote(loaded_study, vote) for vote in votes)
    best_rows = None
    if not has_folds:
        best_rows = np.array([vote.rows[val_scores[vote.rows].argmax()] for vote in votes])
        frame["val_macro_f1"] = [_score_on_val(loaded_study, vote) for vote in votes]
        frame["best_trial"] = trials["id"].to_numpy()[best_rows]
    frame = frame.join(_compare_on_test(loaded_study.predictions, bootstrap, votes, best_rows))
    p_columns = [column for column in ("p_mean", "p_best") if column in frame]
    p = frame[p_columns].to_numpy()
    frame[[f"{column}_holm" for column in p_columns]] = adjust_holm(p.ravel()).reshape(p.shape)
    return VoteComparison(
        votes=tuple(votes), frame=frame, has_folds=has_folds, n_tests=int((~np.isnan(p)).sum())
    )


def _list_val_scores(loaded_study: LoadedStudy, ids: Iterable[str]) -> FloatArray:
    """Return the macro F1 on val of trials, float64, shape (trials,)."""
    scores = [loaded_study.records[trial_id].scores["val"]["macro_f1"] for trial_id in ids]
    return np.array([-1.0 if score is None else score for score in scores])


def list_votes(bootstrap: BootstrapScores, val_scores: FloatArray) -> list[Vote]:
    """Return the votes of a study; configurations that train the same model vote once.

    Args:
        bootstrap: Scores of the trials.
        val_scores: Macro F1 on val of each trial, float64, shape (trials,).

    Returns:
        A vote of each configuration with at least two replicates, then of the two, three and all
        best configurations.
    """
    ids, names = (bootstrap.trials[key].to_numpy(str) for key in ("id", "configuration"))
    rows_by_name = {name: np.flatnonzero(names == name) for name in bootstrap.models}
    ranked = sorted(rows_by_name, key=lambda name: -val_scores[rows_by_name[name]].mean())

    def make_vote(kind: VoteKind, configurations: Sequence[str]) -> Vote:
        rows = np.concatenate([rows_by_name[name] for name in configurations])
        trial_ids = tuple(ids[rows].tolist())
        return Vote(kind=kind, configurations=tuple(configurations), trial_ids=trial_ids, rows=rows)

    counts = {count for count in (*_BEST_COUNTS, len(ranked)) if 1 < count <= len(ranked)}
    return [
        *(make_vote(VoteKind.REPLICATES, [n]) for n in ranked if len(rows_by_name[n]) > 1),
        *(make_vote(VoteKind.CONFIGURATIONS, ranked[:count]) for count in sorted(counts)),
    ]


def _describe_vote(loaded_study: LoadedStudy, vote: Vote) -> dict[str, Any]:
    """Return the columns of `VoteComparison.frame` about the members."""
    records = [loaded_study.records[trial_id] for trial_id in vote.trial_ids]
    sizes = {key: np.array([getattr(record, key) for record in records], float) for key in _SIZES}
    return {
        "kind": vote.kind,
        "configurations": " + ".join(vote.configurations),
        "n_configurations": len(vote.configurations),
        "members": len(vote.trial_ids),
        "trials": " ".join(vote.trial_ids),
        **{key: values.sum() for key, values in sizes.items()},
    }


def predict_by_vote(probabilities: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> IntArray:
    """Return the class with the highest mean probability over the members of a vote.

    Args:
        probabilities: Class probabilities of each member, float32, shape (members, n, classes).

    Returns:
        Predicted classes, int64, shape (n,).
    """
    means = np.mean(probabilities, axis=0, dtype=np.float64)
    return np.asarray(means.argmax(axis=1), dtype=np.int64)


def _score_on_val(loaded_study: LoadedStudy, vote: Vote) -> float:
    """Return the macro F1 of a vote on val, whose images all members have in common."""
    members = [loaded_study.val_predictions[trial_id] for trial_id in vote.trial_ids]
    predicted = predict_by_vote([member.probabilities for member in members])
    n_classes = loaded_study.predictions.n_classes
    confusion = metrics.compute_confusion_matrix(members[0].labels, predicted, n_classes)
    return metrics.compute_scores(confusion)["macro_f1"]


def _compare_on_test(
    predictions: TestPredictions,
    bootstrap: BootstrapScores,
    votes: Sequence[Vote],
    best_rows: IntArray | None,
) -> pd.DataFrame:
    """Return the columns of `VoteComparison.frame` about test, with unadjusted p-values.

    Args:
        predictions: Predictions of the study.
        bootstrap: Scores of the same trials.
        votes: Votes, at least one.
        best_rows: Positions of the best member of each vote on val; None in a cross-validation.
    """
    labels, n_classes = predictions.labels, predictions.n_classes
    predicted = np.array([predict_by_vote(predictions.probabilities[v.rows]) for v in votes])
    confusions = np.array(
        [metrics.compute_confusion_matrix(labels, row, n_classes) for row in predicted]
    )
    values = metrics.compute_score_arrays(confusions)
    resampled = metrics.compute_score_arrays(resample_confusions(labels, predicted, n_classes))
    borders = [bound_scores(confusion, np.nan) for confusion in confusions]
    columns: dict[str, NDArray[Any]] = {}
    for score in SCORES:
        draws = _Draws(values[score], resampled[score].T)
        trials = _Draws(bootstrap.values[score], bootstrap.resampled[score])
        members = {"mean": trials.average([vote.rows for vote in votes])}
        if best_rows is not None:
            members["best"] = trials.average(best_rows[:, None])
        columns |= _estimate_scores(score, draws, borders, bootstrap.ranges[score])
        for name, other in members.items():
            estimate = _estimate(draws.values - other.values, draws.resampled - other.resampled)
            key = f"{score}_gain_{name}"
            columns |= {f"{name}_{score}": other.values, key: estimate["mean"]}
            columns |= {f"{key}_{end}": estimate[end].clip(-1, 1) for end in ("low", "high")}
            if score == "macro_f1":
                columns[f"p_{name}"] = estimate["p"]
    return pd.DataFrame(columns)


class _Draws(NamedTuple):
    """Values of one score.

    Attributes:
        values: Values on the test images, float64, shape (k,).
        resampled: Values on each resample, float64, shape (resamples, k).
    """

    values: FloatArray
    resampled: FloatArray

    def average(self, rows: Sequence[IntArray] | IntArray) -> "_Draws":
        """Return the mean over the given positions, one for each array of positions."""
        return _Draws(
            np.array([self.values[each].mean() for each in rows]),
            np.stack([self.resampled[:, each].mean(axis=1) for each in rows], axis=1),
        )


def _estimate(values: FloatArray, resampled: FloatArray) -> dict[str, NDArray[Any]]:
    """Return estimates of k values that depend only on the test images, by field."""
    none = np.zeros(values.shape)
    variance = MeanVariance(resampled.var(axis=0, ddof=1), none, none)
    return make_estimates(values, none * np.nan, none.astype(np.int64) + 1, variance, None)


def _estimate_scores(
    score: str,
    draws: _Draws,
    borders: Sequence[Mapping[str, Bounds]],
    limits: tuple[float, float],
) -> dict[str, FloatArray]:
    """Return a score of each vote with its interval, as columns of `VoteComparison.frame`."""
    estimate = _estimate(*draws)
    bounds = [border.get(score, Bounds(np.nan, np.nan)) for border in borders]
    return {
        f"test_{score}": draws.values,
        f"test_{score}_low": np.fmin(estimate["low"], [b.low for b in bounds]).clip(*limits),
        f"test_{score}_high": np.fmax(estimate["high"], [b.high for b in bounds]).clip(*limits),
    }
