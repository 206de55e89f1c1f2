"""Measure what each ingredient of a configuration contributes, by an ablation study.

An ablation is a planned configuration: `NAME-no-…` is `NAME` without one ingredient if the two
differ in only one setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.contrasts import estimate_contrast
from reports.analysis.intervals import adjust_holm
from reports.analysis.pairwise import COMPARED_SCORE
from reports.ledger.planned_trial import REPLICATE_SETTINGS, Config, fill_settings
from reports.ledger.records import StudyRecord

_ABLATION_INFIX = "-no-"
_SETTING_COLUMNS = ("base", "configuration", "setting", "value", "value_without", "replicates")
_ESTIMATE_COLUMNS = ("difference", "sd", "low", "high", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablations:
    """Contribution of each ingredient of a study's configurations to macro F1 on test.

    Attributes:
        differences: A row for each ingredient, the largest difference of each base first; pairs
            without a common replicate are left out:

            - `base`, `configuration` (str): Names of the configurations with and without it.
            - `setting` (str): The one setting that differs.
            - `value`, `value_without` (object): Its values in the two configurations.
            - `replicates` (int): Number of common replicates. Without one, it is 0, and the means
              over all replicates of each are compared.
            - `difference` (float): Macro F1 of the base minus that without, -1 to 1.
            - `sd` (float): Standard deviation of the difference over the replicates; NaN for one
              replicate.
            - `low`, `high` (float): 95% confidence interval of the difference.
            - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and adjusted
              by Holm's procedure over the ingredients of the base, 0 to 1.
        skipped_names: Configurations that do not differ from their base in exactly one setting.
    """

    differences: pd.DataFrame
    skipped_names: Sequence[str]


def find_changed_settings(study: StudyRecord) -> dict[tuple[str, str], dict[str, tuple[Any, Any]]]:
    """Return the settings, except seed and fold, in which `NAME-no-…` differs from `NAME`.

    Args:
        study: Study whose plan defines the ablations.

    Returns:
        For each pair (`NAME`, `NAME-no-…`), the two values of each differing setting, by its name.
    """
    configs = {
        trial.configuration: _get_settings_without_replicate(trial.config) for trial in study.trials
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


def _get_settings_without_replicate(config: Config) -> dict[str, Any]:
    return {
        key: value for key, value in fill_settings(config).items() if key not in REPLICATE_SETTINGS
    }


def compute_ablations(study: StudyRecord, bootstrap: BootstrapScores) -> Ablations:
    """Compare each configuration with itself without one ingredient, on their common replicates.

    Args:
        study: Study whose plan defines the ablations.
        bootstrap: Scores of its trials.
    """
    changed_settings = find_changed_settings(study)
    return Ablations(
        differences=_estimate_differences(changed_settings, bootstrap),
        skipped_names=[
            name for (_, name), settings in changed_settings.items() if len(settings) != 1
        ],
    )


def _estimate_differences(
    changed_settings_by_pair: Mapping[tuple[str, str], Mapping[str, tuple[Any, Any]]],
    bootstrap: BootstrapScores,
) -> pd.DataFrame:
    rows = []
    for (base, name), changed_settings in changed_settings_by_pair.items():
        estimate = estimate_contrast(bootstrap, COMPARED_SCORE, {base: 1.0, name: -1.0})
        if len(changed_settings) != 1 or estimate is None:
            continue
        ((setting, (value, value_without)),) = changed_settings.items()
        row = (base, name, setting, value, value_without, estimate.replicates)
        rows.append(dict(zip(_SETTING_COLUMNS, row, strict=True)) | estimate._asdict())
    frame = pd.DataFrame(rows).rename(columns={"mean": "difference"})
    frame = frame.reindex(columns=[*_SETTING_COLUMNS, *_ESTIMATE_COLUMNS])
    groups = frame.groupby("base", sort=False)
    frame["p_holm"] = groups["p"].transform(lambda p: adjust_holm(p.to_numpy(dtype="float64")))
    ordered = frame.assign(base_order=groups.ngroup()).sort_values(
        ["base_order", "difference"], ascending=[True, False], kind="stable"
    )
    return ordered.drop(columns="base_order").reset_index(drop=True)
