"""What each ingredient of a configuration brings: the same without it, all else equal.

Ingredients are told by what was planned, not guessed: `NAME-no-…` is `NAME` less an ingredient if
the two differ in one setting.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.intervals import adjust_holm, estimate_contrast
from reports.analysis.pairwise import COMPARED_SCORE
from reports.ledger.records import StudyRecord

_ABLATION_INFIX = "-no-"
_SETTING_COLUMNS = ("base", "configuration", "setting", "value", "value_without", "seeds")
_ESTIMATE_COLUMNS = ("difference", "sd", "low", "high", "p")


def find_changed_settings(study: StudyRecord) -> dict[tuple[str, str], dict[str, tuple[Any, Any]]]:
    """What `NAME-no-…` has otherwise than `NAME`, by the names of the two.

    Returns:
        Of each pair, by setting, the value of the first and that of the second; the seed is none.
    """
    configs = {
        trial.configuration: _get_settings_without_seed(trial.config) for trial in study.trials
    }
    return {
        (base, name): {
            key: (base_config[key], config[key])
            for key in base_config
            if base_config[key] != config[key]
        }
        for base, base_config in configs.items()
        for name, config in configs.items()
        if name.startswith(base + _ABLATION_INFIX)
    }


def _get_settings_without_seed(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(config)
    del settings["seed"]
    return settings


def compute_ablations(study: StudyRecord, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Macro F1 on test with each ingredient minus without it, on the seeds that both have.

    Args:
        study: whose plan tells the ingredients.
        bootstrap: its trials' scores.

    Returns:
        One row an ingredient, the largest difference of each base first: `base` and
        `configuration` (their names), `setting`, its `value` in the base and `value_without`,
        `seeds`, `difference` (base minus configuration) with `sd`, `low`, `high`, `p`, and
        `p_holm` (corrected over the base's ingredients). Pairs that differ in several settings, or
        have no seed in common, are left out.
    """
    rows = []
    for (base, name), changed_settings in find_changed_settings(study).items():
        estimate = estimate_contrast(bootstrap, COMPARED_SCORE, {base: 1.0, name: -1.0})
        if len(changed_settings) != 1 or estimate is None:
            continue
        ((setting, (value, value_without)),) = changed_settings.items()
        row = (base, name, setting, value, value_without, estimate.seeds)
        rows.append(dict(zip(_SETTING_COLUMNS, row, strict=True)) | estimate._asdict())
    frame = pd.DataFrame(rows).rename(columns={"mean": "difference"})
    frame = frame.reindex(columns=[*_SETTING_COLUMNS, *_ESTIMATE_COLUMNS])
    groups = frame.groupby("base", sort=False)
    frame["p_holm"] = groups["p"].transform(lambda p: adjust_holm(p.to_numpy(dtype="float64")))
    ordered = frame.assign(base_order=groups.ngroup()).sort_values(
        ["base_order", "difference"], ascending=[True, False], kind="stable"
    )
    return ordered.drop(columns="base_order").reset_index(drop=True)
