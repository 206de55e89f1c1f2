"""Which configurations differ: every pair, the groups that stay together, the grid's effects."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import BootstrapScores, find_trial_rows
from reports.analysis.intervals import ALPHA, adjust_holm, estimate_contrast, estimate_contrasts
from reports.ledger.loading import TestPredictions

COMPARED_SCORE = "macro_f1"
"""What pairs are compared in: the score that chose the epoch."""

FACTORS: Mapping[str, tuple[str, str]] = {
    "family": ("mlnn", "cnn"),
    "optimizer": ("sgd", "adam"),
    "loss": ("cross_entropy", "nll"),
}
"""What the grid varies, each from the first value to the second."""

_PAIR_FRAME_COLUMNS = ["a", "b", "seeds", "difference", "sd", "low", "high", "p", "p_holm"]
_MCNEMAR_COLUMNS = [
    *("only_a_correct", "only_b_correct", "n_differing"),
    *("p_mcnemar", "p_mcnemar_holm", "significant"),
]


def compare_pairs(predictions: TestPredictions, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Every two configurations, on the same images and the seeds that both have.

    Two tests, for two questions. `p` is of the difference in macro F1 over images and seeds: do
    the configurations differ? `p_mcnemar` is exact and of the right and wrong images of two
    trained models with the same seed, the largest of its seeds': do the models differ, whichever
    seed is looked at? The first decides. Both are corrected by Holm over all pairs.

    Returns:
        One row a pair in the order of the plan: `a`, `b`, `seeds` in common; `difference` (a - b
        in macro F1, mean over seeds), its `sd`, `low`, `high`, `p`, `p_holm`; `only_a_correct`,
        `only_b_correct` (images that one of them alone gets right, mean over seeds), `n_differing`
        (predictions, sum over seeds), `p_mcnemar`, `p_mcnemar_holm`; `significant`, whether
        `p_holm` < ALPHA.
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
    """The exact test on every seed of every couple of rows; see `compare_pairs` for the columns."""
    predicted = predictions.predicted_classes
    is_correct = (predicted == predictions.labels).astype(np.float32)
    only_first_counts = (
        is_correct @ (1 - is_correct).T
    )  # [a, b]: images that a gets right and b does not
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
    """Two-sided exact p-values of McNemar's test (1947), by the binomial distribution.

    Args:
        only_a: images that the first model alone gets right.
        only_b: that the second alone does, the same shape.
    """
    smaller, discordant = np.minimum(only_a, only_b), only_a + only_b
    return np.asarray(np.minimum(1, 2 * stats.binom.cdf(smaller, discordant, 0.5)))


def rank_best_configurations(comparison: pd.DataFrame) -> list[str]:
    """The configurations with a score, from the best to the worst, as many as there are letters.

    Args:
        comparison: from `frames.make_comparison_frame`.
    """
    scored = comparison[comparison["seeds"] > 0]
    ordered = scored.sort_values(f"test_{COMPARED_SCORE}", ascending=False, kind="stable")
    return [str(name) for name in ordered["configuration"][: len(ascii_lowercase)]]


def find_tied_groups(names: Sequence[str], pair_frame: pd.DataFrame) -> list[list[str]]:
    """Sets of configurations of which no two could be separated, as large as they come.

    A configuration may be in several: "not separated" is not "equal", and is not transitive.

    Args:
        names: from the best to the worst.
        pair_frame: from `compare_pairs`.

    Returns:
        Groups in the order of their best member, then of their worst; members in that of `names`.
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
    """The letters of each configuration's groups: two that share one could not be separated.

    Args:
        names: from the best to the worst.
        tied_groups: from `find_tied_groups`, at most 26.
    """
    lettered_groups = list(zip(ascii_lowercase, tied_groups, strict=False))
    return {
        name: "".join(letter for letter, group in lettered_groups if name in group)
        for name in names
    }


def estimate_effects(bootstrap: BootstrapScores) -> pd.DataFrame:
    """What one factor changes in macro F1, all else equal: one contrast over the grid.

    Over all configurations that have a partner differing in that factor alone (and, for the
    optimizer, in the settings that go with it), then within each family.

    Returns:
        Columns `factor`, `from_value`, `to_value`, `scope` (a family, or "all"), `pairs`,
        `seeds`, `difference`, `sd`, `low`, `high`, `p`, `p_holm` (over the rows for all, and
        over those within families); empty where no configuration has a partner, or where two of
        these families have the same family, loss and optimizer.
    """
    columns = list(FACTORS)
    trials = bootstrap.trials[bootstrap.trials["family"].isin(FACTORS["family"])]
    configs = trials.drop_duplicates("configuration").set_index(columns)["configuration"]
    rows = []
    if configs.index.is_unique:
        for factor, (first_value, second_value) in FACTORS.items():
            name_pairs = _find_partners(configs, columns.index(factor), first_value, second_value)
            families = dict.fromkeys(key[0] for key in name_pairs)
            scopes = [("all", list(name_pairs.values()))]
            if factor != "family" and len(families) > 1:
                scopes += [
                    (family, [v for k, v in name_pairs.items() if k[0] == family])
                    for family in families
                ]
            rows += [
                _estimate_effect(bootstrap, factor, scope, scope_pairs)
                for scope, scope_pairs in scopes
                if scope_pairs
            ]
    label_columns = ["factor", "from_value", "to_value", "scope", "pairs", "seeds"]
    frame = pd.DataFrame(
        [row for row in rows if row], columns=[*label_columns, *_PAIR_FRAME_COLUMNS[3:8]]
    )
    frame = frame.astype({"pairs": int, "seeds": int, "p": float})
    is_overall = frame["scope"] == "all"
    for mask in (is_overall, ~is_overall):
        frame.loc[mask, "p_holm"] = adjust_holm(frame.loc[mask, "p"].to_numpy())
    return frame


def _find_partners(
    configs: pd.Series, position: int, first_value: str, second_value: str
) -> dict[tuple[str, ...], tuple[str, str]]:
    """Names with the first value and with the second, by what they have in common."""
    partners = {}
    for key, name in configs.items():
        partner_key = (*key[:position], second_value, *key[position + 1 :])  # type: ignore[index]
        if key[position] == first_value and partner_key in configs.index:  # type: ignore[index]
            partners[key] = (str(name), str(configs.loc[partner_key]))
    return partners  # type: ignore[return-value]


def _estimate_effect(
    bootstrap: BootstrapScores, factor: str, scope: str, name_pairs: Sequence[tuple[str, str]]
) -> dict[str, object] | None:
    weights = {name: -1 / len(name_pairs) for name, _ in name_pairs}
    weights |= {name: 1 / len(name_pairs) for _, name in name_pairs}
    estimate = estimate_contrast(bootstrap, COMPARED_SCORE, weights)
    if estimate is None:
        return None
    first_value, second_value = FACTORS[factor]
    row = {
        "factor": factor,
        "from_value": first_value,
        "to_value": second_value,
        "scope": scope,
        "pairs": len(name_pairs),
    }
    return row | estimate._asdict() | {"difference": estimate.mean}
