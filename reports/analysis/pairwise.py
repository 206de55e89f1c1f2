"""Compare every pair of models, and group those that do not differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_lowercase, ascii_uppercase

import numpy as np
import pandas as pd
from scipy import special

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.contrasts import estimate_contrasts
from reports.analysis.distinct_models import list_copies
from reports.analysis.intervals import adjust_holm
from reports.analysis.model_groups import assign_letters, find_groups, rank_models
from reports.analysis.pair_decisions import DEFAULT_MARGIN, Decision, decide_pairs
from reports.analysis.replicate_variance import compute_homogeneity_p, find_trial_rows
from reports.ledger.test_predictions import TestPredictions

COMPARED_SCORE = "macro_f1"
"""Score that is compared; on val, it also selects the best epoch."""

_DECISION_COLUMNS = [
    *("p_holm", "p_equivalence", "p_equivalence_holm", "decision"),
    *("detectable_difference", "replicates_needed", "images_needed"),
]
_MCNEMAR_COLUMNS = ["only_a_correct", "only_b_correct", "n_differing", "p_mcnemar"]
_PAIR_COLUMNS = [
    *("a", "b", "replicates", "difference", "sd", "low", "high", "p", *_DECISION_COLUMNS),
    *(*_MCNEMAR_COLUMNS, "p_mcnemar_holm", "significant", "margin"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseComparison:
    """Comparisons of all pairs of models, and groups of models that do not differ.

    Configurations that train the same model are compared once, under the name of the first.

    Attributes:
        pairs: A row for each pair of models, in the order of the plan:

            - `a`, `b` (str): Names of the two configurations.
            - `replicates` (int): Number of common replicates. Without one, it is 0, and the means
              over all replicates of each are compared.
            - `difference` (float): Macro F1 of a minus that of b, -1 to 1, mean over the
              replicates.
            - `sd` (float): Standard deviation of the difference over the common replicates; NaN for
              fewer than two.
            - `low`, `high` (float): 95% confidence interval of the difference.
            - `p` (float): Two-sided p-value of the difference, 0 to 1.
            - `p_holm`, `p_equivalence`, `p_equivalence_holm`, `decision`, `detectable_difference`,
              `replicates_needed`, `images_needed`: See `pair_decisions.decide_pairs`.
            - `only_a_correct`, `only_b_correct` (float): Test images that only one of the two
              models classifies correctly, means over the common replicates; NaN without one.
            - `n_differing` (float): Predictions that differ, summed over the common replicates.
            - `p_mcnemar`, `p_mcnemar_holm` (float): Largest p-value of McNemar's exact test over
              the replicates, unadjusted and adjusted by Holm's procedure over all pairs, 0 to 1.
            - `significant` (bool): Whether `decision` is "different".
            - `margin` (float): The same as `margin` below.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.
        copies: Names of the other configurations that train the same model, by name of the model;
            only models that have such copies.
        replicate_sds: Standard deviation of macro F1 over the replicates, by name of the model;
            only models with several replicates.
        homogeneity_p: P-value of Bartlett's test that all these standard deviations are equal;
            NaN for fewer than two of them.
        ranked_names: Models from the best to the worst, at most 26.
        tied_groups: Groups of `ranked_names` in which no two models differ significantly.
        equivalent_groups: Groups of at least two of `ranked_names` in which all are equivalent.
        group_letters: Lower-case letters of each configuration's tied groups, by name.
        equivalence_letters: Upper-case letters of its equivalent groups, by name.
    """

    pairs: pd.DataFrame
    margin: float
    copies: Mapping[str, Sequence[str]]
    replicate_sds: Mapping[str, float]
    homogeneity_p: float
    ranked_names: Sequence[str]
    tied_groups: Sequence[Sequence[str]]
    equivalent_groups: Sequence[Sequence[str]]
    group_letters: Mapping[str, str]
    equivalence_letters: Mapping[str, str]


def compare_configurations(
    predictions: TestPredictions,
    bootstrap: BootstrapScores,
    *,
    margin: float = DEFAULT_MARGIN,
) -> PairwiseComparison:
    """Compare all pairs of models, rank the models, and group those that do not differ.

    Args:
        predictions: Trials on the same images.
        bootstrap: Scores of these trials.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.
    """
    pairs = compare_pairs(predictions, bootstrap, margin=margin)
    ranked_names = rank_models(bootstrap, COMPARED_SCORE)
    replicate_sds, homogeneity_p = _compare_replicate_sds(bootstrap)
    tied = pairs[pairs["decision"] != Decision.DIFFERENT]
    equivalent = pairs[pairs["decision"] == Decision.EQUIVALENT]
    tied_groups = find_groups(ranked_names, tied)
    equivalent_groups = [group for group in find_groups(ranked_names, equivalent) if len(group) > 1]
    return PairwiseComparison(
        pairs=pairs,
        margin=margin,
        copies=list_copies(bootstrap.representatives),
        replicate_sds=replicate_sds,
        homogeneity_p=homogeneity_p,
        ranked_names=ranked_names,
        tied_groups=tied_groups,
        equivalent_groups=equivalent_groups,
        group_letters=assign_letters(bootstrap.representatives, tied_groups, ascii_lowercase),
        equivalence_letters=assign_letters(
            bootstrap.representatives, equivalent_groups, ascii_uppercase
        ),
    )


def _compare_replicate_sds(bootstrap: BootstrapScores) -> tuple[dict[str, float], float]:
    """Return `PairwiseComparison.replicate_sds` and `PairwiseComparison.homogeneity_p`."""
    rows = find_trial_rows(bootstrap.trials, bootstrap.models)
    scores = {
        name: bootstrap.values[COMPARED_SCORE][row[row >= 0]]
        for name, row in zip(bootstrap.models, rows, strict=True)
    }
    scores = {name: values for name, values in scores.items() if len(values) > 1}
    p = compute_homogeneity_p(
        np.array([values.var(ddof=1) for values in scores.values()]),
        np.array([len(values) - 1.0 for values in scores.values()]),
    )
    return {name: float(values.std(ddof=1)) for name, values in scores.items()}, p


def compare_pairs(
    predictions: TestPredictions, bootstrap: BootstrapScores, *, margin: float = DEFAULT_MARGIN
) -> pd.DataFrame:
    """Compare every two models on the same images and their common replicates.

    Two tests answer two questions. Do the configurations differ? `p` tests the difference in macro
    F1 over images and replicates. Do two trained models with the same seed and fold differ,
    whatever these are? `p_mcnemar` is the largest p-value of McNemar's exact test over the
    replicates.

    Args:
        predictions: Trials on the same images.
        bootstrap: Scores of these trials.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.

    Returns:
        Frame with the columns of `PairwiseComparison.pairs`; empty for fewer than two models.
    """
    names = list(bootstrap.models)
    if len(names) < 2:
        return pd.DataFrame(columns=_PAIR_COLUMNS)
    rows = find_trial_rows(bootstrap.trials, names)
    pair_indices = np.array([*combinations(range(len(names)), 2)])
    weights = [{names[i]: 1.0, names[j]: -1.0} for i, j in pair_indices]
    frame = estimate_contrasts(bootstrap, COMPARED_SCORE, weights)
    frame = frame.rename(columns={"mean": "difference"})
    frame["a"], frame["b"] = ([names[i] for i in column] for column in pair_indices.T)
    sampling = bootstrap.replicate_variances[COMPARED_SCORE].sampling[pair_indices].sum(axis=1)
    frame["own_image_variance"] = np.minimum(
        frame["image_variance"], sampling / np.maximum(1, frame["replicates"])
    )
    frame = frame.join(decide_pairs(frame, predictions.labels.size, margin))
    frame = frame.join(
        _run_mcnemar_tests(predictions, [(rows[i], rows[j]) for i, j in pair_indices])
    )
    frame["p_mcnemar_holm"] = adjust_holm(frame["p_mcnemar"].to_numpy())
    frame["significant"] = frame["decision"] == Decision.DIFFERENT
    return frame.assign(margin=margin)[_PAIR_COLUMNS]


def _run_mcnemar_tests(
    predictions: TestPredictions, row_pairs: Sequence[tuple[IntArray, IntArray]]
) -> pd.DataFrame:
    """Return McNemar's test of each pair, with the columns of `PairwiseComparison`."""
    predicted = predictions.predicted_classes
    is_correct = (predicted == predictions.labels).astype(np.float32)
    only_first_counts = (
        is_correct @ (1 - is_correct).T
    )  # [a, b]: number of images that only a classifies correctly
    results = []
    for rows_a, rows_b in row_pairs:
        has_both = (rows_a >= 0) & (rows_b >= 0)
        if not has_both.any():
            results.append((np.nan,) * 4)
            continue
        a, b = rows_a[has_both], rows_b[has_both]
        only_a, only_b = only_first_counts[a, b], only_first_counts[b, a]
        differing = (predicted[a] != predicted[b]).sum()
        results.append(
            (only_a.mean(), only_b.mean(), differing, compute_mcnemar_p(only_a, only_b).max())
        )
    return pd.DataFrame(results, columns=_MCNEMAR_COLUMNS)


def compute_mcnemar_p(only_a: FloatArray, only_b: FloatArray) -> FloatArray:
    """Return two-sided p-values of McNemar's exact test (1947), from the binomial distribution.

    Args:
        only_a: Numbers of images that only the first model classifies correctly, any shape.
        only_b: Numbers of images that only the second model classifies correctly, the same shape.

    Returns:
        P-values, float64, the same shape, 0 to 1.
    """
    smaller, larger = (f(only_a, only_b).astype(np.float64) for f in (np.minimum, np.maximum))
    # Binomial distribution function, without `scipy.stats`, which is slow to import.
    return np.asarray(np.minimum(1, 2 * special.betainc(larger, smaller + 1, 0.5)))
