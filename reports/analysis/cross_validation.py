"""Summarize the scores on val of a cross-validation.

The training images of two folds overlap, so the scores of the folds are correlated, and the usual
standard error of their mean is too small. The corrected one assumes the correlation 1 / K of the
scores of K folds (Nadeau & Bengio, Machine Learning, 2003). With several seeds, the folds are drawn
again for each (Bouckaert & Frank, "Evaluating the Replicability of Significance Tests", 2004).
"""

import math

import numpy as np
import pandas as pd
from scipy import special

from reports.analysis.intervals import ALPHA
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import get_replicate_name
from reports.ledger.states import TrialState

SCORES = ("macro_f1", "accuracy")


def make_cross_validation_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Return the scores on val of each configuration, over its folds.

    Args:
        loaded_study: Files of the study.

    Returns:
        A row for each configuration with a complete trial, in the order of the plan; empty without
        a cross-validation:

        - `configuration` (str): Name of the configuration.
        - `replicates` (int): Complete trials: seeds times folds, at least 1.
        - `val_macro_f1`, `val_accuracy` (float): Means over the replicates, 0 to 1, with the
          standard deviation `_sd` (divisor n - 1; NaN for one replicate) and the ends `_low` and
          `_high` of the corrected 95% confidence interval, clipped to 0 and 1.
        - `difference` (float): Macro F1 on val minus that of the configuration with the highest
          mean, -1 to 1, mean over their common replicates, with `_low` and `_high`; NaN for that
          configuration itself.
    """
    grid = loaded_study.study.grid
    if grid is None or grid.folds is None:
        return pd.DataFrame()
    scores = pd.DataFrame(
        {
            "configuration": record.configuration,
            "replicate": get_replicate_name(record.config),
            **{score: record.scores["val"][score] for score in SCORES},
        }
        for record in loaded_study.records.values()
        if record.state is TrialState.COMPLETE
    )
    if scores.empty:
        return pd.DataFrame()
    values = {
        score: scores.pivot_table(index="replicate", columns="configuration", values=score)
        for score in SCORES
    }
    best = values["macro_f1"].mean().idxmax()
    rows = []
    for name in scores["configuration"].unique():
        row: dict[str, object] = {
            "configuration": name,
            "replicates": int(values["macro_f1"][name].count()),
        }
        for score in SCORES:
            row |= _estimate_mean(f"val_{score}", values[score][name], grid.folds, minimum=0.0)
        difference = values["macro_f1"][name] - values["macro_f1"][best]
        if name == best:
            difference *= np.nan
        rows.append(row | _estimate_mean("difference", difference, grid.folds, minimum=-1.0))
    return pd.DataFrame(rows).drop(columns="difference_sd")


def _estimate_mean(
    key: str, values: "pd.Series[float]", n_folds: int, *, minimum: float
) -> dict[str, float]:
    """Return the mean over folds with its standard deviation and corrected interval.

    Args:
        key: Name of the mean; the others have a suffix.
        values: Value of each replicate; NaN is left out.
        n_folds: Number of folds.
        minimum: Smallest possible value; the largest is 1.
    """
    values = values.dropna()
    n = len(values)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half_width = math.nan
    if n > 1:
        # The ratio of images in val and train is 1 / (K - 1).
        t = -special.stdtrit(n - 1, ALPHA / 2)
        half_width = float(t * sd * math.sqrt(1 / n + 1 / (n_folds - 1)))
    return {
        key: mean,
        f"{key}_sd": sd,
        f"{key}_low": float(np.maximum(minimum, mean - half_width)),
        f"{key}_high": float(np.minimum(1.0, mean + half_width)),
    }
