"""Configurations that are the same function, and the luck of a seed that tells them apart.

CrossEntropy takes logits; NLLLoss takes log-probabilities, which is what CrossEntropy makes of
logits first. A model trained with either, from the same seed, is therefore the same. Two slips are
possible. NLLLoss on raw logits is another function, without a lower bound: its loss falls below
0, which the negative logarithm of a probability cannot. CrossEntropy on a log-softmax applies
that twice, and the second time changes nothing but the last digits.
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
"""Relative difference of the first epoch's loss up to which two runs differ by rounding alone:
one epoch of 187 steps lets a last digit grow to this, and other functions differ at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalentLosses:
    """Configurations that differ only in the loss, and so should be the same function.

    Attributes:
        pairs: A row for each pair of such configurations with a common seed:

            - `cross_entropy`, `nll` (str): Names of the configurations.
            - `seeds` (int): Number of common seeds, at least 1.
            - `n_predictions`, `n_differing` (int): Predictions on test compared, and those that
              differ, summed over the seeds.
            - `first_loss_difference` (float): Largest relative difference of the training loss
              in the first epoch, at least 0.
            - `has_negative_loss` (bool): Whether NLLLoss fell below 0.
        seed_noise: A row for each of the pairs that the paper lists:

            - `family`, `cross_entropy`, `nll` (str): Family and names of the configurations.
            - `published_cross_entropy`, `published_nll` (float): Weighted F1 as listed, 0 to 1.
            - `published_difference` (float): Absolute difference of the two, 0 to 1.
            - `seed_sd` (float): Standard deviation of the weighted F1 over seeds, pooled over
              the family; NaN for one seed.
            - `seed_dof` (int): Its degrees of freedom, 0 for one seed.
            - `limit` (float): Difference that two runs of one function stay below in 95 % of
              cases; NaN for one seed.
            - `within_limit` (bool): Whether the published difference is at most the limit; None
              for one seed.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
    """

    pairs: pd.DataFrame
    seed_noise: pd.DataFrame
    negative_loss_trials: Sequence[str]


def analyze_equivalent_losses(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores
) -> EquivalentLosses:
    """Compare the configurations that differ only in the loss, also with the published pairs.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.
    """
    pairs = compare_equivalent_losses(loaded_study)
    return EquivalentLosses(
        pairs=pairs,
        seed_noise=estimate_seed_noise(loaded_study, bootstrap, pairs),
        negative_loss_trials=find_negative_losses(loaded_study),
    )


def compare_equivalent_losses(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Compare configurations that differ only in the loss, seed by seed.

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
                    "seeds": 1,
                    "n_predictions": predicted[cross_entropy_record.id].size,
                    "n_differing": int(
                        (predicted[cross_entropy_record.id] != predicted[nll_record.id]).sum()
                    ),
                    "first_loss_difference": abs(cross_entropy_loss - nll_loss)
                    / abs(cross_entropy_loss),
                    "has_negative_loss": nll_record.id in negative_loss_ids,
                }
            )
    columns = ["cross_entropy", "nll", "seeds", "n_predictions", "n_differing"]
    frame = pd.DataFrame(rows, columns=[*columns, "first_loss_difference", "has_negative_loss"])
    groups = frame.groupby(columns[:2], sort=False, as_index=False)
    return groups.agg(
        dict.fromkeys(columns[2:], "sum")
        | {"first_loss_difference": "max", "has_negative_loss": "any"}
    )


def find_negative_losses(loaded_study: LoadedStudy) -> list[str]:
    """Trials with NLLLoss whose loss fell below 0: their model ends in raw logits."""
    return [
        record.id
        for record in loaded_study.records.values()
        if record.config["loss"] == "nll"
        and any(
            min(epoch.train_loss, epoch.val_loss) < 0 for epoch in loaded_study.epochs[record.id]
        )
    ]


def estimate_seed_noise(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Compare the paper's differences between equal functions with the noise of a seed.

    Two runs of one function differ by sqrt(2) standard deviations of a run on average; beyond
    t sqrt(2) sd, with Student's t of the seeds measured, they do so in 5 % of cases. The
    standard deviation of the weighted F1 is pooled over a family's configurations, equal ones
    counted once.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.
        pairs: Frame from `compare_equivalent_losses`.

    Returns:
        Frame with the columns of `EquivalentLosses.seed_noise`; without any if no pair was
        published.
    """
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    rows = []
    for cross_entropy_name, nll_name in zip(pairs["cross_entropy"], pairs["nll"], strict=True):
        published_rows = [
            published.find_published(configs[name]) for name in (cross_entropy_name, nll_name)
        ]
        if published_rows[0] is None or published_rows[1] is None:
            continue
        family = published_rows[0].family
        sd, dof = _pool_seed_sd(bootstrap, family, exclude=list(pairs["nll"]))
        limit = float(special.stdtrit(dof, 0.975) * np.sqrt(2) * sd) if dof else np.nan
        difference = abs(published_rows[0].weighted_f1 - published_rows[1].weighted_f1)
        rows.append(
            {
                "family": family,
                "cross_entropy": cross_entropy_name,
                "nll": nll_name,
                "published_cross_entropy": published_rows[0].weighted_f1,
                "published_nll": published_rows[1].weighted_f1,
                "published_difference": difference,
                "seed_sd": sd,
                "seed_dof": dof,
                "limit": limit,
                "within_limit": None if np.isnan(limit) else bool(difference <= limit),
            }
        )
    return pd.DataFrame(rows)


def _pool_seed_sd(
    bootstrap: BootstrapScores, family: str, *, exclude: Sequence[str]
) -> tuple[float, int]:
    """Standard deviation over seeds of a family's weighted F1, and its degrees of freedom."""
    is_included = (bootstrap.trials["family"] == family) & ~bootstrap.trials["configuration"].isin(
        exclude
    )
    scores = pd.Series(bootstrap.values["weighted_f1"])[is_included.to_numpy()]
    groups = scores.groupby(bootstrap.trials["configuration"][is_included])
    dof = int((groups.size() - 1).sum())
    squares = float((groups.var(ddof=0) * groups.size()).sum())
    return (float(np.sqrt(squares / dof)), dof) if dof else (float("nan"), 0)
