"""What each ingredient of a configuration brings: the same without it, all else equal.

Ingredients are told by what was planned, not guessed: `NAME-no-…` is `NAME` less an ingredient if
the two differ in one setting.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.analysis.bootstrap import Sampled
from reports.analysis.intervals import contrast, holm
from reports.analysis.pairwise import SCORE
from reports.ledger.records import OPTIONAL_SETTINGS, StudyRecord

_WITHOUT = "-no-"
_COLUMNS = ("base", "configuration", "setting", "value", "without", "seeds")
_MEASURED = ("difference", "sd", "low", "high", "p")


def changes(study: StudyRecord) -> dict[tuple[str, str], dict[str, tuple[Any, Any]]]:
    """What `NAME-no-…` has otherwise than `NAME`, by the names of the two.

    Returns:
        Of each pair, by setting, the value of the first and that of the second; the seed is none.
    """
    configs = {trial.configuration: _settings(trial.config) for trial in study.trials}
    return {
        (base, name): {
            key: (own.get(key), other.get(key))
            for key in own | other
            if own.get(key) != other.get(key)
        }
        for base, own in configs.items()
        for name, other in configs.items()
        if name.startswith(base + _WITHOUT)
    }


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(OPTIONAL_SETTINGS) | dict(config)
    del settings["seed"]
    return settings


def ablations(study: StudyRecord, sampled: Sampled) -> pd.DataFrame:
    """Macro F1 on test with each ingredient minus without it, on the seeds that both have.

    Args:
        study: whose plan tells the ingredients.
        sampled: its trials' scores.

    Returns:
        One row an ingredient, the largest difference of each base first: `base` and
        `configuration` (their names), `setting`, its `value` in the base and `without`, `seeds`,
        `difference` (base minus configuration) with `sd`, `low`, `high`, `p`, and `p_holm`
        (corrected over the base's ingredients). Pairs that differ in several settings, or have
        no seed in common, are left out.
    """
    rows = []
    for (base, name), changed in changes(study).items():
        found = contrast(sampled, SCORE, {base: 1.0, name: -1.0})
        if len(changed) != 1 or found is None:
            continue
        ((setting, (value, without)),) = changed.items()
        told = (base, name, setting, value, without, found.seeds)
        rows.append(dict(zip(_COLUMNS, told, strict=True)) | found._asdict())
    frame = pd.DataFrame(rows).rename(columns={"mean": "difference"})
    frame = frame.reindex(columns=[*_COLUMNS, *_MEASURED])
    groups = frame.groupby("base", sort=False)
    frame["p_holm"] = groups["p"].transform(lambda p: holm(p.to_numpy(dtype="float64")))
    place = groups.ngroup()
    order = frame.assign(place=place).sort_values(
        ["place", "difference"], ascending=[True, False], kind="stable"
    )
    return order.drop(columns="place").reset_index(drop=True)
