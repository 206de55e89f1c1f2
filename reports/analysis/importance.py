"""Which setting mattered: functional ANOVA among trials that were trained equally long."""

from collections.abc import Iterator, Sequence

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from reports.analysis.search_trials import at_rung
from reports.ledger.records import SearchRecord

_LOGARITHMIC = frozenset({"learning_rate", "weight_decay"})
"""Settings that are drawn, and so weighed, by their logarithm."""

LEAST = 10
"""Trials; the importances of fewer say little, and their intervals span everything."""

_TREES = 64
_DRAWS = 20
_DRAWN_TREES = 16
_INTERVAL = (0.05, 0.95)


def importances(frame: pd.DataFrame, lines: pd.DataFrame, search: SearchRecord) -> pd.DataFrame:
    """How much of the variance of what was reached at a rung goes with each setting alone.

    Functional ANOVA on a random forest (Hutter, Hoos, Leyton-Brown, ICML 2014), by Optuna. At each
    rung among all trials that came there, by the settings that all have, and among those with one
    family and optimizer, by theirs. A setting that is drawn by its logarithm is taken by it;
    Optuna's own evaluation weighs it as it stands, so that only its uppermost decade
    would count.

    Args:
        frame: from `searches.trials`.
        lines: from `searches.curves`.
        search: its bounds.

    Returns:
        Columns `rung` (epoch); `family` and `optimizer` of the group, None where it has several;
        `trials` in it; `setting`; `importance`, 0 to 1, which add up to 1 in each group;
        `importance_low` and `_high`, its 5 % and 95 % quantiles over trials drawn from the group's
        with replacement.
        A group of fewer than `LEAST` trials, or with one setting only, has no row.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    for rung in search.rungs:
        for family, optimizer, group in _groups(at_rung(frame, lines, rung)):
            varied = _varied(search, family, optimizer)
            if len(group) < LEAST or len(varied) < 2 or group["reached"].nunique() < 2:
                continue
            key = {"rung": rung, "family": family, "optimizer": optimizer, "trials": len(group)}
            found = _with_intervals(group, varied, search)
            rows += [key | row for row in found.to_dict("records")]
    columns = ["rung", "family", "optimizer", "trials", "setting", "importance"]
    return pd.DataFrame(rows, columns=[*columns, "importance_low", "importance_high"])


def _with_intervals(
    group: pd.DataFrame, varied: Sequence[str], search: SearchRecord
) -> pd.DataFrame:
    """`setting`, `importance`, and its ends `_low` and `_high`, in the order of `varied`."""
    draws = [
        _shares(group.sample(frac=1, replace=True, random_state=i), varied, search, _DRAWN_TREES)
        for i in range(_DRAWS)
    ]
    ends = pd.DataFrame(draws).quantile(list(_INTERVAL)).T
    ends.columns = ["importance_low", "importance_high"]
    found = pd.Series(_shares(group, varied, search, _TREES), name="importance")
    return ends.join(found).rename_axis("setting").reset_index()


def _groups(own: pd.DataFrame) -> Iterator[tuple[str | None, str | None, pd.DataFrame]]:
    """All trials at a rung if they are of several kinds, then each kind."""
    kinds = own[["family", "optimizer"]].drop_duplicates().sort_values(["family", "optimizer"])
    if len(kinds) > 1:
        yield None, None, own
    for family, optimizer in kinds.to_numpy():
        alike = (own["family"] == family) & (own["optimizer"] == optimizer)
        yield str(family), str(optimizer), own[alike]


def _varied(search: SearchRecord, family: str | None, optimizer: str | None) -> list[str]:
    """The settings that differ within a group and that all its trials have."""
    choices = {"family": search.families, "optimizer": search.optimizers} if family is None else {}
    names = [name for name, values in choices.items() if len(values) > 1]
    names += [name for name, (low, high) in search.ranges.items() if low < high]
    return [name for name in names if name != "momentum" or optimizer == "sgd"]


def _shares(
    group: pd.DataFrame, varied: Sequence[str], search: SearchRecord, trees: int
) -> dict[str, float]:
    distributions: dict[str, BaseDistribution] = {
        "family": CategoricalDistribution(search.families),
        "optimizer": CategoricalDistribution(search.optimizers),
    }
    values = group
    for name, (low, high) in search.ranges.items():
        if name in _LOGARITHMIC:
            low, high = np.log10((low, high))  # noqa: PLW2901 - the same bounds
            values = values.assign(**{name: np.log10(values[name])})
        distributions[name] = FloatDistribution(low, high)
    known = {name: distributions[name] for name in varied}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: row[name] for name in varied},
                distributions=known,
                value=row["reached"],
            )
            for row in values.to_dict("records")
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=trees, seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=[*varied])
    return {name: float(found[name]) for name in varied}
