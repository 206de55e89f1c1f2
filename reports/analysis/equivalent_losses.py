"""Configurations that are the same function, and the luck of a seed that tells them apart.

CrossEntropy takes logits; NLLLoss takes log-probabilities, which is what CrossEntropy makes of
logits first. A model trained with either, from the same seed, is therefore the same. Two slips are
possible. NLLLoss on raw logits is another function, without a lower bound: its loss falls below
0, which the negative logarithm of a probability cannot. CrossEntropy on a log-softmax applies
that twice, and the second time changes nothing but the last digits.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from reports.analysis.bootstrap import Sampled
from reports.ledger import published
from reports.ledger.loading import Evidence
from reports.ledger.records import TrialRecord

ROUNDING = 1e-3
"""Relative difference of the first epoch's loss up to which two runs differ by rounding alone:
one epoch of 187 steps lets a last digit grow to this, and other functions differ at once."""


def twins(evidence: Evidence) -> pd.DataFrame:
    """Compare configurations that differ in the loss alone, seed by seed.

    Returns:
        One row a pair: `cross_entropy` and `nll` (names of the configurations), `seeds`
        compared, `predictions` compared, `differing` among them, `first_loss` (the largest
        relative difference of the training loss in the first epoch), `below_zero` (whether
        NLLLoss fell below 0).
    """
    tested = evidence.tested
    predicted = dict(zip(tested.trials["id"], tested.predicted, strict=True))
    pairs: dict[str, dict[str, TrialRecord]] = {}
    for record in (evidence.records[key] for key in predicted):
        others = {key: value for key, value in record.config.items() if key != "loss"}
        pair = pairs.setdefault(json.dumps(others, sort_keys=True), {})
        pair[str(record.config.get("loss"))] = record
    rows, wrong = [], below_zero(evidence)
    for pair in pairs.values():
        if {"cross_entropy", "nll"} <= pair.keys():
            one, other = pair["cross_entropy"], pair["nll"]
            first, second = (evidence.epochs[r.id][0].train_loss for r in (one, other))
            rows.append(
                {
                    "cross_entropy": one.configuration,
                    "nll": other.configuration,
                    "seeds": 1,
                    "predictions": predicted[one.id].size,
                    "differing": int((predicted[one.id] != predicted[other.id]).sum()),
                    "first_loss": abs(first - second) / abs(first),
                    "below_zero": other.id in wrong,
                }
            )
    columns = ["cross_entropy", "nll", "seeds", "predictions", "differing"]
    frame = pd.DataFrame(rows, columns=[*columns, "first_loss", "below_zero"])
    groups = frame.groupby(columns[:2], sort=False, as_index=False)
    return groups.agg(
        dict.fromkeys(columns[2:], "sum") | {"first_loss": "max", "below_zero": "any"}
    )


def below_zero(evidence: Evidence) -> list[str]:
    """Trials with NLLLoss whose loss fell below 0: their model ends in raw logits."""
    return [
        record.id
        for record in evidence.records.values()
        if record.config.get("loss") == "nll"
        and any(min(epoch.train_loss, epoch.val_loss) < 0 for epoch in evidence.epochs[record.id])
    ]


def noise_floor(evidence: Evidence, sampled: Sampled, pairs: pd.DataFrame) -> pd.DataFrame:
    """The paper's differences between equal functions, held against the luck of a seed.

    Two runs of one function differ by sqrt(2) standard deviations of a run on average; beyond
    t sqrt(2) sd, with Student's t of the seeds measured, they do so in 5 % of cases. The
    standard deviation of the weighted F1 is pooled over a family's configurations, equal ones
    counted once.

    Args:
        evidence: of the study.
        sampled: its trials' scores.
        pairs: from `twins`.

    Returns:
        One row a published pair of this study: `family`, `cross_entropy`, `nll`,
        `published_cross_entropy`, `published_nll` (weighted F1 as listed), `published_difference`
        (absolute), `seed_sd`, `seed_freedom` (degrees of freedom), `limit`, `within`; the last
        four NaN or None with one seed.
    """
    configs = {planned.configuration: planned.config for planned in evidence.study.trials}
    rows = []
    for one, other in zip(pairs["cross_entropy"], pairs["nll"], strict=True):
        listed = [published.find(configs[name]) for name in (one, other)]
        if listed[0] is None or listed[1] is None:
            continue
        family = listed[0].family
        sd, freedom = _pooled_sd(sampled, family, exclude=list(pairs["nll"]))
        limit = float(special.stdtrit(freedom, 0.975) * np.sqrt(2) * sd) if freedom else np.nan
        difference = abs(listed[0].weighted_f1 - listed[1].weighted_f1)
        rows.append(
            {
                "family": family,
                "cross_entropy": one,
                "nll": other,
                "published_cross_entropy": listed[0].weighted_f1,
                "published_nll": listed[1].weighted_f1,
                "published_difference": difference,
                "seed_sd": sd,
                "seed_freedom": freedom,
                "limit": limit,
                "within": None if np.isnan(limit) else bool(difference <= limit),
            }
        )
    return pd.DataFrame(rows)


def _pooled_sd(sampled: Sampled, family: str, *, exclude: Sequence[str]) -> tuple[float, int]:
    """Standard deviation over seeds of a family's weighted F1, and its degrees of freedom."""
    own = (sampled.trials["family"] == family) & ~sampled.trials["name"].isin(exclude)
    scores = pd.Series(sampled.values["weighted_f1"])[own.to_numpy()]
    groups = scores.groupby(sampled.trials["name"][own])
    freedom = int((groups.size() - 1).sum())
    squares = float((groups.var(ddof=0) * groups.size()).sum())
    return (float(np.sqrt(squares / freedom)), freedom) if freedom else (float("nan"), 0)
