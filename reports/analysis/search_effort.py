"""Compute the effort of a search and the expected result of picking its trials at random."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis.search_trials import SearchTrialState

ALL_ENDED = "all that ended"
"""Value of `state` in the row of `make_effort_frame` that sums all trials."""


class SearchEffort(NamedTuple):
    """Epochs of the trials that ended, compared with full training.

    Attributes:
        trials: Number of trials that ended.
        epochs: Number of epochs that they trained.
        full_epochs: Number of epochs that they would have trained without ASHA.
        speedup: `full_epochs` divided by `epochs`; NaN before the first epoch.
    """

    trials: int
    epochs: int
    full_epochs: int
    speedup: float


def summarize_effort(trials: pd.DataFrame, max_epochs: int) -> SearchEffort:
    """Return the epochs of the trials that ended, and of full training.

    Args:
        trials: Rows of `SearchAnalysis.trials`.
        max_epochs: Epochs of full training.
    """
    ended = trials[trials["epochs"].notna()]
    epochs, full_epochs = int(ended["epochs"].sum()), len(ended) * max_epochs
    return SearchEffort(
        trials=len(ended),
        epochs=epochs,
        full_epochs=full_epochs,
        speedup=full_epochs / epochs if epochs else float("nan"),
    )


def make_effort_frame(trials: pd.DataFrame, max_epochs: int) -> pd.DataFrame:
    """Return the effort of all trials that ended, and of those in each state.

    Args:
        trials: Trials of the search, `SearchAnalysis.trials`.
        max_epochs: Epochs of full training.

    Returns:
        A row for all, then one for each state that occurs:

        - `state` (str): `ALL_ENDED`, or a `SearchTrialState`.
        - `trials` (int): Number of trials.
        - `epochs`, `full_epochs`, `speedup` (float): As in `SearchEffort`; NaN for trials that have
          not ended or are unreadable.
        - `duration_min` (float): Summed duration of the trials, in minutes; also NaN for these.
    """
    rows = []
    for state in (ALL_ENDED, *SearchTrialState):
        state_trials = trials if state == ALL_ENDED else trials[trials["state"] == state]
        if state_trials.empty:
            continue
        effort = summarize_effort(state_trials, max_epochs)
        if effort.trials:
            row = effort._asdict() | {"duration_min": state_trials["duration_s"].sum() / 60}
        else:
            row = {"trials": len(state_trials)}
        rows.append({"state": state, **row})
    columns = ["state", *SearchEffort._fields, "duration_min"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], "float64"))


def compute_expected_best(values: FloatArray) -> pd.DataFrame:
    """Return the expected best of n trials picked at random, the baseline of a search.

    Dodge et al., "Show Your Work" (EMNLP 2019, arXiv:1909.03004), introduced the curve. They sample
    with replacement, which is biased downward (Tang et al., ACL 2020, arXiv:2004.13705). Sampling
    here is without replacement, so the last point is the best of all trials.

    Args:
        values: Values of the trials, in any order, float64, shape (N,).

    Returns:
        A row for each number of trials:

        - `trials` (int): Number of trials n, 1 to N.
        - `expected` (float): Expected best of n trials, in the unit of `values`.
        - `low`, `high` (float): 5% and 95% quantiles of the best of n trials.
    """
    ranked, rows = np.sort(values), []
    ranks = np.arange(1, len(ranked) + 1)
    cdf = np.ones(len(ranked))  # P(best of n is among the lowest i), for n = 0
    for n in range(1, len(ranked) + 1):
        cdf = cdf * np.clip(ranks - n + 1, 0, None) / (len(ranked) - n + 1)
        expected = float(ranked @ np.diff(cdf, prepend=0.0))
        low, high = (ranked[np.searchsorted(cdf, quantile - 1e-9)] for quantile in (0.05, 0.95))
        rows.append((n, expected, float(low), float(high)))
    return pd.DataFrame(rows, columns=["trials", "expected", "low", "high"])
