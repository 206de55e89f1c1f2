"""Compare configurations that differ only in the loss, and so train the same function.

CrossEntropy takes logits and converts them to log-probabilities; NLLLoss takes log-probabilities.
With the same seed, both therefore train the same model. Two mistakes are possible. NLLLoss on
raw logits is another function without a lower bound: its loss falls below 0, which the negative
logarithm of a probability cannot. CrossEntropy on a log-softmax applies log-softmax twice, which
changes only the last digits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from reports.analysis.bootstrap import BootstrapScores
from reports.ledger import published
from reports.ledger.loading import LoadedStudy
from reports.ledger.records import TrialRecord

ROUNDING_TOLERANCE = 1e-3
"""Relative difference of the first epoch's loss up to which two runs differ only by rounding. A
rounding error grows to this in one epoch of 187 steps; different functions differ by more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalentLosses:
    """Configurations that differ only in the loss, and so should be the same function.

    Attributes:
        pairs: A row for each pair of such configurations with a common replicate:

            - `cross_entropy`, `nll` (str): Names of the configurations.
            - `replicates` (int): Number of common replicates, at least 1.
            - `n_predictions`, `n_differing` (int): Predictions on test compared, and those that
              differ, summed over the replicates.
            - `first_loss_difference` (float): Largest relative difference of the training loss
              in the first epoch, at least 0.
            - `has_negative_loss` (bool): Whether NLLLoss fell below 0.
        replicate_noise: A row for each of the pairs that the paper lists:

            - `family`, `cross_entropy`, `nll` (str): Family and names of the configurations.
            - `published_cross_entropy`, `published_nll` (float): Weighted F1 as listed, 0 to 1.
            - `published_difference` (float): Absolute difference of the two, 0 to 1.
            - `replicate_sd` (float): Standard deviation of the weighted F1 of `cross_entropy` over
              its replicates; NaN for one replicate.
            - `replicate_dof` (int): Its degrees of freedom, 0 for one replicate.
            - `limit` (float): Difference that two runs of the same function stay below in 95% of
              cases; NaN for one replicate, and if all replicates have the same score: this does not
              show that the variance is 0.
            - `within_limit` (bool): Whether the published difference is at most the limit; None
              without a limit.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
    """

    pairs: pd.DataFrame
    replicate_noise: pd.DataFrame
    negative_loss_trials: Sequence[str]


def analyze_equivalent_losses(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores
) -> EquivalentLosses:
    """Compare the configurations that differ only in the loss, and the published pairs.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.
    """
    pairs = compare_equivalent_losses(loaded_study)
    return EquivalentLosses(
        pairs=pairs,
        replicate_noise=estimate_replicate_noise(loaded_study, bootstrap, pairs),
        negative_loss_trials=find_negative_losses(loaded_study),
    )


def compare_equivalent_losses(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Compare configurations that differ only in the loss, replicate by replicate.

    Args:
        loaded_study: Files of the study.

    Returns:
        Frame with the columns of `EquivalentLosses.pairs`.
    """
    predictions = loaded_study.predictions
    predicted = dict(zip(predictions.trials["id"], predictions.predicted_classes, strict=True))
    pairs: dict[str, dict[str, TrialRecord]] = {}
    for record in (loaded_study.records[key] for key in predicted):
        other_settings = {key: value for key, value in record.config.items() if key != "loss"}
        pair = pairs.setdefault(json.dumps(other_settings, sort_keys=True), {})
        pair[str(record.config["loss"])] = record
    rows, negative_loss_ids = [], find_negative_losses(loaded_study)
    for pair in pairs.values():
        if {"cross_entropy", "nll"} <= pair.keys():
            cross_entropy_record, nll_record = pair["cross_entropy"], pair["nll"]
            cross_entropy_loss, nll_loss = (
                loaded_study.epochs[r.id][0].train_loss for r in (cross_entropy_record, nll_record)
            )
            rows.append(
                {
                    "cross_entropy": cross_entropy_record.configuration,
                    "nll": nll_record.configuration,
                    "replicates": 1,
                    "n_predictions": predicted[cross_entropy_record.id].size,
                    "n_differing": int(
                        (predicted[cross_entropy_record.id] != predicted[nll_record.id]).sum()
                    ),
                    "first_loss_difference": abs(cross_entropy_loss - nll_loss)
                    / abs(cross_entropy_loss),
                    "has_negative_loss": nll_record.id in negative_loss_ids,
                }
            )
    columns = ["cross_entropy", "nll", "replicates", "n_predictions", "n_differing"]
    frame = pd.DataFrame(rows, columns=[*columns, "first_loss_difference", "has_negative_loss"])
    groups = frame.groupby(columns[:2], sort=False, as_index=False)
    return groups.agg(
        dict.fromkeys(columns[2:], "sum")
        | {"first_loss_difference": "max", "has_negative_loss": "any"}
    )


def find_negative_losses(loaded_study: LoadedStudy) -> list[str]:
    """Return the ids of trials whose NLLLoss fell below 0: their model returns raw logits."""
    return [
        record.id
        for record in loaded_study.records.values()
        if record.config["loss"] == "nll"
        and any(
            min(epoch.train_loss, epoch.val_loss) < 0 for epoch in loaded_study.epochs[record.id]
        )
    ]


def estimate_replicate_noise(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Compare the paper's differences between equal functions with the variance between replicates.

    The difference of two runs of the same function has a standard deviation of sqrt(2) sd, where sd
    is that of one run. It exceeds t sqrt(2) sd in 5% of cases, with the 97.5% quantile t of
    Student's distribution. sd is the standard deviation of the weighted F1 of the configuration.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.
        pairs: Frame from `compare_equivalent_losses`.

    Returns:
        Frame with the columns of `EquivalentLosses.replicate_noise`; it has no columns if no pair
        was published.
    """
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    is_shown = published.may_show_published(loaded_study.study.data)
    rows = []
    for cross_entropy_name, nll_name in zip(pairs["cross_entropy"], pairs["nll"], strict=True):
        published_rows = [
            published.find_published(configs[name]) for name in (cross_entropy_name, nll_name)
        ]
        if published_rows[0] is None or published_rows[1] is None or not is_shown:
            continue
        family = published_rows[0].family
        sd, dof = _get_replicate_sd(bootstrap, cross_entropy_name)
        limit = float(special.stdtrit(dof, 0.975) * np.sqrt(2) * sd) if sd > 0 else np.nan
        difference = abs(published_rows[0].weighted_f1 - published_rows[1].weighted_f1)
        rows.append(
            {
                "family": family,
                "cross_entropy": cross_entropy_name,
                "nll": nll_name,
                "published_cross_entropy": published_rows[0].weighted_f1,
                "published_nll": published_rows[1].weighted_f1,
                "published_difference": difference,
                "replicate_sd": sd,
                "replicate_dof": dof,
                "limit": limit,
                "within_limit": None if np.isnan(limit) else bool(difference <= limit),
            }
        )
    return pd.DataFrame(rows)


def _get_replicate_sd(bootstrap: BootstrapScores, name: str) -> tuple[float, int]:
    """Return the standard deviation over replicates of the weighted F1, and its dof."""
    scores = bootstrap.values["weighted_f1"][(bootstrap.trials["configuration"] == name).to_numpy()]
    if len(scores) < 2:
        return float("nan"), 0
    # The standard deviation of equal values can differ from 0 by a rounding error.
    return float(scores.std(ddof=1)) if np.ptp(scores) > 0 else 0.0, len(scores) - 1
