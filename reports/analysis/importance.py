"""Estimate the importance of settings by functional ANOVA on trials with equal training."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.functional_anova import compute_main_effects
from reports.analysis.search_trials import select_at_rung
from reports.ledger.search_record import SearchRecord

_LOG_SCALED = frozenset({"learning_rate", "weight_decay"})
"""Settings that are sampled, and therefore analyzed, on a logarithmic scale."""

MIN_TRIALS = 10
"""Minimum number of trials in a group. With fewer, the intervals span almost 0 to 1."""

_N_TREES = 64
_N_RESAMPLE_TREES = 16
_N_PERMUTATION_TREES = 8  # fewer than for the importance, so the test is conservative
N_RESAMPLES = 20
"""Number of bootstrap resamples of the trials; the intervals are quantiles over them."""
_INTERVAL_QUANTILES = (0.05, 0.95)

N_PERMUTATIONS = 19
"""Number of permutations of the values. A setting without any effect exceeds all of them with a
probability of 1 / 20."""

REST = "interactions_and_noise"
"""Name of the row with the share that no single setting explains."""


def compute_importances(
    trials: pd.DataFrame, curves: pd.DataFrame, search: SearchRecord
) -> pd.DataFrame:
    """Return the share of the variance at each rung that each single setting explains.

    This is functional ANOVA on a random forest (Hutter, Hoos & Leyton-Brown, ICML 2014). At each
    rung, one group has all trials that reached it, with their common settings. Further groups have
    one family and optimizer each, with their own settings. Settings that are sampled log-uniformly
    are analyzed on a logarithmic scale. Optuna's evaluator uses a linear scale, on which only the
    highest decade would count. It also divides the shares by their sum, so that two settings have
    shares of e.g. 66% and 34% if the values are pure noise.

    Args:
        trials: Trials of the search, `SearchAnalysis.trials`.
        curves: Their learning curves, `SearchAnalysis.curves`.
        search: Record of the search, with its bounds.

    Returns:
        A row for each rung, group of trials and setting, and one for the rest. A group has no row
        if it has fewer than `MIN_TRIALS` trials, fewer than two varied settings, or equal values:

        - `rung` (int): Epoch of the rung, from 1.
        - `family`, `optimizer` (str): Family and optimizer of the group, None if it has several.
        - `trials` (int): Number of trials in the group.
        - `setting` (str): Name of the setting, or `REST`.
        - `importance` (float): Share of the variance, 0 to 1; the shares of a group sum to 1.
        - `importance_low`, `importance_high` (float): Its 5% and 95% quantiles over bootstrap
          resamples of the group's trials.
        - `importance_null` (float): Largest share if the values are permuted among the trials
          `N_PERMUTATIONS` times, 0 to 1; NaN for the rest. A larger `importance` is significant
          (p = 0.05 for each setting).
    """
    rows = []
    for rung in search.rungs:
        for family, optimizer, group in _split_groups(select_at_rung(trials, curves, rung)):
            varied_settings = _list_varied_settings(search, family, optimizer)
            if (
                len(group) < MIN_TRIALS
                or len(varied_settings) < 2
                or group["value_at_rung"].nunique() < 2
            ):
                continue
            key = {"rung": rung, "family": family, "optimizer": optimizer, "trials": len(group)}
            estimates = _estimate_importances(group, varied_settings, search)
            rows += [key | row for row in estimates.to_dict("records")]
    columns = ["rung", "family", "optimizer", "trials", "setting", "importance"]
    columns += ["importance_low", "importance_high", "importance_null"]
    return pd.DataFrame(rows, columns=columns)


def _estimate_importances(
    group: pd.DataFrame, varied_settings: Sequence[str], search: SearchRecord
) -> pd.DataFrame:
    """Return `setting` and the columns of `importance`, a row per setting and one for the rest."""
    points, bounds, columns = _encode_settings(group, varied_settings, search)
    values = group["value_at_rung"].to_numpy(dtype=np.float64)
    positions, names = pd.Series(range(len(group))), [*varied_settings, REST]

    def compute(rows: IntArray, values: FloatArray, n_trees: int) -> dict[str, float]:
        effects = compute_main_effects(
            points[rows], values, bounds=bounds, columns=columns, n_trees=n_trees
        )
        return effects | {REST: 1 - sum(effects.values())}

    all_rows = np.arange(len(group), dtype=np.int64)
    samples = (
        np.asarray(positions.sample(frac=1, replace=True, random_state=i), dtype=np.int64)
        for i in range(N_RESAMPLES)
    )
    resampled = pd.DataFrame([compute(rows, values[rows], _N_RESAMPLE_TREES) for rows in samples])
    random = np.random.default_rng(0)
    permuted = pd.DataFrame(
        compute(all_rows, random.permutation(values), _N_PERMUTATION_TREES)
        for _ in range(N_PERMUTATIONS)
    )
    observed = compute(all_rows, values, _N_TREES)
    low, high = (resampled.quantile(quantile) for quantile in _INTERVAL_QUANTILES)
    return pd.DataFrame(
        {
            "setting": names,
            "importance": [observed[name] for name in names],
            "importance_low": low[names].to_numpy(),
            "importance_high": high[names].to_numpy(),
            "importance_null": permuted.max()[names].where(np.array(names) != REST).to_numpy(),
        }
    )


def _split_groups(trials: pd.DataFrame) -> Iterator[tuple[str | None, str | None, pd.DataFrame]]:
    """Yield all trials if they have several families or optimizers, then each pair of the two."""
    kinds = trials[["family", "optimizer"]].drop_duplicates().sort_values(["family", "optimizer"])
    if len(kinds) > 1:
        yield None, None, trials
    for family, optimizer in kinds.to_numpy():
        in_group = (trials["family"] == family) & (trials["optimizer"] == optimizer)
        yield str(family), str(optimizer), trials[in_group]


def _list_varied_settings(
    search: SearchRecord, family: str | None, optimizer: str | None
) -> list[str]:
    """Return the settings that vary within a group and that all its trials have."""
    choices = {"family": search.families, "optimizer": search.optimizers} if family is None else {}
    names = [name for name, values in choices.items() if len(values) > 1]
    names += [name for name, (low, high) in search.ranges.items() if low < high]
    return [name for name in names if name != "momentum" or optimizer == "sgd"]


def _encode_settings(
    group: pd.DataFrame, varied_settings: Sequence[str], search: SearchRecord
) -> tuple[FloatArray, FloatArray, dict[str, list[int]]]:
    """Return settings as numbers, their bounds, and the columns of each setting by name.

    Settings are ordered by name, as in Optuna's space, because the forest depends on the order.

    Returns:
        Points, shape (trials, columns); bounds, shape (columns, 2); columns by name. A choice has
        one column for each of its values.
    """
    choices = {"family": search.families, "optimizer": search.optimizers}
    points: list[FloatArray] = []
    bounds: list[tuple[float, float]] = []
    columns: dict[str, list[int]] = {}
    for name in sorted(varied_settings):
        first_column = len(points)
        if name in choices:
            points += [
                np.asarray(group[name] == choice, dtype=np.float64) for choice in choices[name]
            ]
            bounds += [(0.0, 1.0)] * len(choices[name])
        else:
            is_log = name in _LOG_SCALED
            ends, values = np.array(search.ranges[name]), group[name].to_numpy(np.float64)
            low, high = np.log10(ends) if is_log else ends
            points.append(np.log10(values) if is_log else values)
            bounds.append((float(low), float(high)))
        columns[name] = list(range(first_column, len(points)))
    return np.column_stack(points), np.array(bounds), columns
