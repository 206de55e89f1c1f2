"""Estimate the effects of family, optimizer and loss, each as one contrast over the grid."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.contrasts import estimate_contrast
from reports.analysis.intervals import adjust_holm
from reports.analysis.pairwise import COMPARED_SCORE

FACTORS: Mapping[str, tuple[str, str]] = {
    "family": ("mlnn", "cnn"),
    "optimizer": ("sgd", "adam"),
    "loss": ("cross_entropy", "nll"),
}
"""Factors that the grid varies, each with the two values that are compared."""

_ESTIMATE_COLUMNS = ("difference", "sd", "low", "high", "p")


def estimate_effects(bootstrap: BootstrapScores) -> pd.DataFrame:
    """Return the effect of each factor on macro F1, all else equal.

    A contrast covers all pairs of models that differ only in that factor (and, for the optimizer,
    in its own settings). Further contrasts cover the pairs within each family. Configurations that
    train the same model count once. A factor that changes no model, as usually the loss, has no
    p-value, because nothing is estimated.

    Args:
        bootstrap: Scores of the trials on test.

    Returns:
        A row for each contrast. It is empty if there is no such pair, or if two configurations have
        the same family, loss and optimizer:

        - `factor` (str): A key of `FACTORS`.
        - `from_value`, `to_value` (str): Values of the factor that are compared.
        - `scope` (str): Family within which they are compared, or "all".
        - `pairs` (int): Number of pairs of models in the contrast, at least 1. If the factor
          changes no model, these are the pairs of configurations.
        - `replicates` (int): Number of replicates that all of them have; 0 without a common
          replicate.
        - `difference` (float): Macro F1 with `to_value` minus that with `from_value`, -1 to 1.
        - `sd` (float): Standard deviation of the difference over the replicates; NaN for one
          replicate.
        - `low`, `high` (float): 95% confidence interval of the difference.
        - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and adjusted by
          Holm's procedure, 0 to 1; NaN if the factor changes no model. The rows of scope "all" are
          adjusted together, and so are the rows within families.
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
    label_columns = ["factor", "from_value", "to_value", "scope", "pairs", "replicates"]
    frame = pd.DataFrame([row for row in rows if row], columns=[*label_columns, *_ESTIMATE_COLUMNS])
    frame = frame.astype({"pairs": int, "replicates": int, "p": float})
    is_overall = frame["scope"] == "all"
    for mask in (is_overall, ~is_overall):
        frame.loc[mask, "p_holm"] = adjust_holm(frame.loc[mask, "p"].to_numpy())
    return frame


def _find_partners(
    configs: pd.Series, position: int, first_value: str, second_value: str
) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return the names with the first and with the second value, by their common settings."""
    partners = {}
    for key, name in configs.items():
        partner_key = (*key[:position], second_value, *key[position + 1 :])  # type: ignore[index]
        if key[position] == first_value and partner_key in configs.index:  # type: ignore[index]
            partners[key] = (str(name), str(configs.loc[partner_key]))
    return partners  # type: ignore[return-value]


def _estimate_effect(
    bootstrap: BootstrapScores, factor: str, scope: str, name_pairs: Sequence[tuple[str, str]]
) -> dict[str, object] | None:
    models = bootstrap.representatives
    model_pairs = list(dict.fromkeys((models[a], models[b]) for a, b in name_pairs))
    changes_model = any(a != b for a, b in model_pairs)
    weights: defaultdict[str, float] = defaultdict(float)
    for first, second in model_pairs if changes_model else name_pairs:
        weights[first] -= 1 / len(model_pairs)
        weights[second] += 1 / len(model_pairs)
    estimate = estimate_contrast(bootstrap, COMPARED_SCORE, weights)
    if estimate is None:
        return None
    first_value, second_value = FACTORS[factor]
    row = {
        "factor": factor,
        "from_value": first_value,
        "to_value": second_value,
        "scope": scope,
        "pairs": len(model_pairs if changes_model else name_pairs),
    }
    p = estimate.p if changes_model else np.nan
    return row | estimate._asdict() | {"difference": estimate.mean, "p": p}
