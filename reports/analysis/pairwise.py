"""Which configurations differ: every pair, the groups that stay together, the grid's effects."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import Sampled, positions
from reports.analysis.intervals import LEVEL, contrast, contrasts, holm
from reports.ledger.loading import Tested

SCORE = "macro_f1"
"""What pairs are compared in: the score that chose the epoch."""

FACTORS: Mapping[str, tuple[str, str]] = {
    "family": ("mlnn", "cnn"),
    "optimizer": ("sgd", "adam"),
    "loss": ("cross_entropy", "nll"),
}
"""What the grid varies, each from the first value to the second."""

_PAIRS = ["a", "b", "seeds", "difference", "sd", "low", "high", "p", "p_holm"]
_MCNEMAR = ["only_a", "only_b", "differing", "p_mcnemar", "p_mcnemar_holm", "separated"]


def pairs(tested: Tested, sampled: Sampled) -> pd.DataFrame:
    """Every two configurations, on the same images and the seeds that both have.

    Two tests, for two questions. `p` is of the difference in macro F1 over images and seeds: do
    the configurations differ? `p_mcnemar` is exact and of the right and wrong images of two
    trained models with the same seed, the largest of its seeds': do the models differ, whichever
    seed is looked at? The first decides. Both are corrected by Holm over all pairs.

    Returns:
        One row a pair in the order of the plan: `a`, `b`, `seeds` in common; `difference` (a - b
        in macro F1, mean over seeds), its `sd`, `low`, `high`, `p`, `p_holm`; `only_a`, `only_b`
        (images that one of them alone gets right, mean over seeds), `differing` predictions (sum
        over seeds), `p_mcnemar`, `p_mcnemar_holm`; `separated`, whether `p_holm` < LEVEL.
    """
    names = tested.names
    rows = positions(sampled.trials, names)
    blocks = []
    for i, name in enumerate(names[:-1]):
        shared = (rows[i] >= 0) & (rows[i + 1 :] >= 0)
        for seeds in np.unique(shared, axis=0):
            others = i + 1 + np.flatnonzero((shared == seeds).all(axis=1))
            if seeds.any():
                both = np.stack([np.broadcast_to(rows[i], rows[others].shape), rows[others]], 1)
                weights = [{name: 1.0, names[j]: -1.0} for j in others]
                block = contrasts(sampled, SCORE, both[:, :, seeds], weights)
                blocks.append(block.assign(i=i, j=others))
    if not blocks:
        return pd.DataFrame(columns=[*_PAIRS, *_MCNEMAR])
    frame = pd.concat(blocks).sort_values(["i", "j"], ignore_index=True)
    frame = frame.rename(columns={"mean": "difference"})
    places = frame[["i", "j"]].to_numpy()
    frame = frame.join(_mcnemar(tested, [(rows[i], rows[j]) for i, j in places]))
    frame["a"], frame["b"] = ([names[i] for i in column] for column in places.T)
    frame["p_holm"] = holm(frame["p"].to_numpy())
    frame["p_mcnemar_holm"] = holm(frame["p_mcnemar"].to_numpy())
    frame["separated"] = frame["p_holm"] < LEVEL
    return frame[[*_PAIRS, *_MCNEMAR]]


def _mcnemar(tested: Tested, couples: Sequence[tuple[IntArray, IntArray]]) -> pd.DataFrame:
    """The exact test on every seed of every couple of rows; see `pairs` for the columns."""
    predicted = tested.predicted
    right = (predicted == tested.labels).astype(np.float32)
    alone = right @ (1 - right).T  # [a, b]: images that a gets right and b does not
    found = []
    for one, other in couples:
        both = (one >= 0) & (other >= 0)
        a, b = one[both], other[both]
        only_a, only_b = alone[a, b], alone[b, a]
        differing = (predicted[a] != predicted[b]).sum()
        found.append((only_a.mean(), only_b.mean(), differing, mcnemar(only_a, only_b).max()))
    return pd.DataFrame(found, columns=["only_a", "only_b", "differing", "p_mcnemar"])


def mcnemar(only_a: FloatArray, only_b: FloatArray) -> FloatArray:
    """Two-sided exact p-values of McNemar's test (1947), by the binomial distribution.

    Args:
        only_a: images that the first model alone gets right.
        only_b: that the second alone does, the same shape.
    """
    fewer, either = np.minimum(only_a, only_b), only_a + only_b
    return np.asarray(np.minimum(1, 2 * stats.binom.cdf(fewer, either, 0.5)))


def leading(comparison: pd.DataFrame) -> list[str]:
    """The configurations with a score, from the best to the worst, as many as there are letters.

    Args:
        comparison: from `tables.comparison`.
    """
    scored = comparison[comparison["seeds"] > 0]
    ordered = scored.sort_values(f"test_{SCORE}", ascending=False, kind="stable")
    return [str(name) for name in ordered["configuration"][: len(ascii_lowercase)]]


def groups(names: Sequence[str], compared: pd.DataFrame) -> list[list[str]]:
    """Sets of configurations of which no two could be separated, as large as they come.

    A configuration may be in several: "not separated" is not "equal", and is not transitive.

    Args:
        names: from the best to the worst.
        compared: from `pairs`.

    Returns:
        Groups in the order of their best member, then of their worst; members in that of `names`.
    """
    graph = nx.Graph()
    graph.add_nodes_from(names)
    together = compared[~compared["separated"].astype(bool)]
    graph.add_edges_from(zip(together["a"], together["b"], strict=True))
    place = {name: i for i, name in enumerate(names)}
    cliques = nx.find_cliques(graph.subgraph(names))
    found = [sorted(clique, key=place.__getitem__) for clique in cliques]
    return sorted(found, key=lambda group: [place[name] for name in group])


def letters(names: Sequence[str], found: Sequence[Sequence[str]]) -> dict[str, str]:
    """The letters of each configuration's groups: two that share one could not be separated.

    Args:
        names: from the best to the worst.
        found: from `groups`, at most 26.
    """
    marks = list(zip(ascii_lowercase, found, strict=False))
    return {name: "".join(mark for mark, group in marks if name in group) for name in names}


def effects(sampled: Sampled) -> pd.DataFrame:
    """What one factor changes in macro F1, all else equal: one contrast over the grid.

    Over all configurations that have a partner differing in that factor alone (and, for the
    optimizer, in the settings that go with it), then within each family.

    Returns:
        Columns `factor`, `from`, `to`, `within` (a family, or "all"), `pairs`, `seeds`,
        `difference`, `sd`, `low`, `high`, `p`, `p_holm` (over the rows for all, and
        over those within families); empty where no configuration has a partner, or where two of
        these families have the same family, loss and optimizer.
    """
    columns = list(FACTORS)
    trials = sampled.trials[sampled.trials["family"].isin(FACTORS["family"])]
    configs = trials.drop_duplicates("name").set_index(columns)["name"]
    rows = []
    if configs.index.is_unique:
        for factor, (before, after) in FACTORS.items():
            couples = _partners(configs, columns.index(factor), before, after)
            families = dict.fromkeys(key[0] for key in couples)
            scopes = [("all", list(couples.values()))]
            if factor != "family" and len(families) > 1:
                scopes += [(f, [v for k, v in couples.items() if k[0] == f]) for f in families]
            rows += [_effect(sampled, factor, scope, own) for scope, own in scopes if own]
    names = ["factor", "from", "to", "within", "pairs", "seeds"]
    frame = pd.DataFrame([row for row in rows if row], columns=[*names, *_PAIRS[3:8]])
    frame = frame.astype({"pairs": int, "seeds": int, "p": float})
    whole = frame["within"] == "all"
    for part in (whole, ~whole):
        frame.loc[part, "p_holm"] = holm(frame.loc[part, "p"].to_numpy())
    return frame


def _partners(
    configs: pd.Series, level: int, before: str, after: str
) -> dict[tuple[str, ...], tuple[str, str]]:
    """Names with the first value and with the second, by what they have in common."""
    found = {}
    for key, name in configs.items():
        other = (*key[:level], after, *key[level + 1 :])  # type: ignore[index]
        if key[level] == before and other in configs.index:  # type: ignore[index]
            found[key] = (str(name), str(configs.loc[other]))
    return found  # type: ignore[return-value]


def _effect(
    sampled: Sampled, factor: str, within: str, couples: Sequence[tuple[str, str]]
) -> dict[str, object] | None:
    weights = {name: -1 / len(couples) for name, _ in couples}
    weights |= {name: 1 / len(couples) for _, name in couples}
    found = contrast(sampled, SCORE, weights)
    if found is None:
        return None
    before, after = FACTORS[factor]
    row = {"factor": factor, "from": before, "to": after, "within": within, "pairs": len(couples)}
    return row | found._asdict() | {"difference": found.mean}
