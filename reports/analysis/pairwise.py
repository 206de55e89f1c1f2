"""Compare every pair of configurations, and group those that do not differ significantly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import networkx as nx
import numpy as np
import pandas as pd
from scipy import special

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import BootstrapScores, find_trial_rows
from reports.analysis.intervals import ALPHA, adjust_holm, estimate_contrasts
from reports.ledger.loading import TestPredictions

COMPARED_SCORE = "macro_f1"
"""Score that is compared; on val, it also selects the best epoch."""

_PAIR_FRAME_COLUMNS = ["a", "b", "seeds", "difference", "sd", "low", "high", "p", "p_holm"]
_MCNEMAR_COLUMNS = [
    *("only_a_correct", "only_b_correct", "n_differing"),
    *("p_mcnemar", "p_mcnemar_holm", "significant"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseComparison:
    """Comparisons of all pairs of configurations, and groups without significant differences.

    Attributes:
        pairs: A row for each pair with a common seed, in the order of the plan:

            - `a`, `b` (str): Names of the two configurations.
            - `seeds` (int): Number of common seeds, at least 1.
            - `difference` (float): Macro F1 of a minus that of b, -1 to 1, mean over the seeds.
            - `sd` (float): Standard deviation of the difference over the seeds; NaN for one seed.
            - `low`, `high` (float): 95% confidence interval of the difference.
            - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and adjusted
              by Holm's procedure over all pairs, 0 to 1.
            - `only_a_correct`, `only_b_correct` (float): Test images that only one of the two
              models classifies correctly, means over the seeds.
            - `n_differing` (int): Predictions that differ, summed over the seeds.
            - `p_mcnemar`, `p_mcnemar_holm` (float): Largest p-value of McNemar's exact test
              over the seeds, unadjusted and adjusted by Holm's procedure over all pairs, 0 to 1.
            - `significant` (bool): Whether `p_holm` is below `intervals.ALPHA`.
        ranked_names: Configurations with a score from the best to the worst, at most 26.
        tied_groups: Groups of `ranked_names` from `find_tied_groups`.
        group_letters: Letters of each configuration's groups, by name.
    """

    pairs: pd.DataFrame
    ranked_names: Sequence[str]
    tied_groups: Sequence[Sequence[str]]
    group_letters: Mapping[str, str]


def group_configurations(comparison: pd.DataFrame, pairs: pd.DataFrame) -> PairwiseComparison:
    """Return the pairs with the ranking and the groups that follow from them.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairs: Frame from `compare_pairs`, of the same configurations.
    """
    ranked_names = rank_best_configurations(comparison)
    tied_groups = find_tied_groups(ranked_names, pairs)
    return PairwiseComparison(
        pairs=pairs,
        ranked_names=ranked_names,
        tied_groups=tied_groups,
        group_letters=assign_group_letters(ranked_names, tied_groups),
    )


def compare_pairs(predictions: TestPredictions, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Compare every two configurations on the same images and their common seeds.

    Two tests answer two questions. Do the configurations differ? `p` tests the difference in macro
    F1 over images and seeds. Do two trained models with the same seed differ, whatever the seed?
    `p_mcnemar` is the largest p-value of McNemar's exact test over the seeds. Both are adjusted by
    Holm's procedure over all pairs; `significant` follows from `p_holm`.

    Args:
        predictions: Trials on the same images.
        bootstrap: Scores of these trials.

    Returns:
        Frame with the columns of `PairwiseComparison.pairs`; empty if no two configurations have a
        common seed.
    """
    names = predictions.configurations
    rows = find_trial_rows(bootstrap.trials, names)
    pair_frames = []
    for i, name in enumerate(names[:-1]):
        has_both = (rows[i] >= 0) & (rows[i + 1 :] >= 0)
        for seeds in np.unique(has_both, axis=0):
            other_indices = i + 1 + np.flatnonzero((has_both == seeds).all(axis=1))
            if seeds.any():
                row_pairs = np.stack(
                    [np.broadcast_to(rows[i], rows[other_indices].shape), rows[other_indices]], 1
                )
                weights = [{name: 1.0, names[j]: -1.0} for j in other_indices]
                pair_frame = estimate_contrasts(
                    bootstrap, COMPARED_SCORE, row_pairs[:, :, seeds], weights
                )
                pair_frames.append(pair_frame.assign(i=i, j=other_indices))
    if not pair_frames:
        return pd.DataFrame(columns=[*_PAIR_FRAME_COLUMNS, *_MCNEMAR_COLUMNS])
    frame = pd.concat(pair_frames).sort_values(["i", "j"], ignore_index=True)
    frame = frame.rename(columns={"mean": "difference"})
    pair_indices = frame[["i", "j"]].to_numpy()
    frame = frame.join(
        _run_mcnemar_tests(predictions, [(rows[i], rows[j]) for i, j in pair_indices])
    )
    frame["a"], frame["b"] = ([names[i] for i in column] for column in pair_indices.T)
    frame["p_holm"] = adjust_holm(frame["p"].to_numpy())
    frame["p_mcnemar_holm"] = adjust_holm(frame["p_mcnemar"].to_numpy())
    frame["significant"] = frame["p_holm"] < ALPHA
    return frame[[*_PAIR_FRAME_COLUMNS, *_MCNEMAR_COLUMNS]]


def _run_mcnemar_tests(
    predictions: TestPredictions, row_pairs: Sequence[tuple[IntArray, IntArray]]
) -> pd.DataFrame:
    """Return McNemar's test over the seeds of each pair, with columns of `PairwiseComparison`."""
    predicted = predictions.predicted_classes
    is_correct = (predicted == predictions.labels).astype(np.float32)
    only_first_counts = (
        is_correct @ (1 - is_correct).T
    )  # [a, b]: number of images that only a classifies correctly
    results = []
    for rows_a, rows_b in row_pairs:
        has_both = (rows_a >= 0) & (rows_b >= 0)
        a, b = rows_a[has_both], rows_b[has_both]
        only_a, only_b = only_first_counts[a, b], only_first_counts[b, a]
        differing = (predicted[a] != predicted[b]).sum()
        results.append(
            (only_a.mean(), only_b.mean(), differing, compute_mcnemar_p(only_a, only_b).max())
        )
    return pd.DataFrame(results, columns=_MCNEMAR_COLUMNS[:4])


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


def rank_best_configurations(comparison: pd.DataFrame) -> list[str]:
    """Return the configurations with a score, best first, at most 26 (one letter each).

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
    """
    scored = comparison[comparison["seeds"] > 0]
    ordered = scored.sort_values(f"test_{COMPARED_SCORE}", ascending=False, kind="stable")
    return [str(name) for name in ordered["configuration"][: len(ascii_lowercase)]]


def find_tied_groups(names: Sequence[str], pair_frame: pd.DataFrame) -> list[list[str]]:
    """Return the largest groups in which no two configurations differ significantly.

    They are the maximal cliques of the graph of pairs without a significant difference. Groups may
    overlap, because "not significantly different" is not transitive.

    Args:
        names: Names of the configurations, best first.
        pair_frame: Frame from `compare_pairs`.

    Returns:
        Groups, sorted by their members' ranks; members are in the order of `names`.
    """
    graph = nx.Graph()
    graph.add_nodes_from(names)
    tied_pairs = pair_frame[~pair_frame["significant"].astype(bool)]
    graph.add_edges_from(zip(tied_pairs["a"], tied_pairs["b"], strict=True))
    rank_by_name = {name: i for i, name in enumerate(names)}
    cliques = nx.find_cliques(graph.subgraph(names))
    tied_groups = [sorted(clique, key=rank_by_name.__getitem__) for clique in cliques]
    return sorted(tied_groups, key=lambda group: [rank_by_name[name] for name in group])


def assign_group_letters(
    names: Sequence[str], tied_groups: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Return the letters of each configuration's groups (a compact letter display).

    Two configurations that share a letter do not differ significantly.

    Args:
        names: Names of the configurations, best first.
        tied_groups: Groups from `find_tied_groups`; only the first 26 get a letter.

    Returns:
        Letters by name of the configuration.
    """
    lettered_groups = list(zip(ascii_lowercase, tied_groups, strict=False))
    return {
        name: "".join(letter for letter, group in lettered_groups if name in group)
        for name in names
    }
