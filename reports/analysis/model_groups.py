"""Rank models, and group those of which every two do not differ, or are equivalent."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import networkx as nx
import pandas as pd

from reports.analysis.bootstrap import BootstrapScores


def rank_models(bootstrap: BootstrapScores, score: str) -> list[str]:
    """Return the names of the models, best first, at most 26 (one letter each).

    Args:
        bootstrap: Scores of the trials on test.
        score: Name of a score in `SCORES`, whose mean over the replicates decides.
    """
    scores = pd.Series(bootstrap.values[score])
    means = scores.groupby(bootstrap.trials["configuration"].to_numpy()).mean()
    ranked = means[list(bootstrap.models)].sort_values(ascending=False, kind="stable")
    return [str(name) for name in ranked.index[: len(ascii_lowercase)]]


def find_groups(names: Sequence[str], pairs: pd.DataFrame) -> list[list[str]]:
    """Return the largest groups in which every two models are one of the given pairs.

    They are the maximal cliques of the graph of the pairs. Groups may overlap, because neither "not
    significantly different" nor "equivalent" is transitive.

    Args:
        names: Names of the models, best first.
        pairs: Frame with the columns `a` and `b`.

    Returns:
        Groups, sorted by their members' ranks; members are in the order of `names`.
    """
    graph = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from(zip(pairs["a"], pairs["b"], strict=True))
    rank_by_name = {name: i for i, name in enumerate(names)}
    cliques = nx.find_cliques(graph.subgraph(names))
    groups = [sorted(clique, key=rank_by_name.__getitem__) for clique in cliques]
    return sorted(groups, key=lambda group: [rank_by_name[name] for name in group])


def assign_letters(
    representatives: Mapping[str, str], groups: Sequence[Sequence[str]], alphabet: str
) -> dict[str, str]:
    """Return the letters of each configuration's groups (a compact letter display).

    Args:
        representatives: Name of the model by name of the configuration.
        groups: Groups from `find_groups`; only the first 26 get a letter.
        alphabet: Letters of the groups, in their order.

    Returns:
        Letters by name of the configuration; empty if its model is in no group.
    """
    lettered_groups = list(zip(alphabet, groups, strict=False))
    return {
        name: "".join(letter for letter, group in lettered_groups if model in group)
        for name, model in representatives.items()
    }
