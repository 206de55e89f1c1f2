"""Judge the paper's claims about loss curves: which are smoother, and which converge faster.

Curves are of the training loss, so their only variance is across replicates; no test image is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis import loss_curves
from reports.analysis.intervals import Estimate, estimate_mean
from reports.claims.claim import (
    NUMBER_COLUMNS,
    ONE_REPLICATE_TEXT,
    Claim,
    Verdict,
    describe_missing,
    format_plain_interval,
)
from reports.format.text import label
from reports.format.units import format_count
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import REPLICATE_SETTINGS, get_replicate_name
from reports.ledger.states import TrialState

# These settings depend on the optimizer, so they may differ between two paired trials.
_OPTIMIZER_SETTINGS = frozenset({"optimizer", "learning_rate", "momentum"})

CurveComparison = Callable[[FloatArray, FloatArray], float]
CurvePair = tuple[str, str, str, FloatArray, FloatArray]
"""Family, other settings, replicate, and the losses with SGD and with Adam."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    """A way to compare two curves.

    Attributes:
        compare: Function that returns the log ratio of two curves, or NaN.
        bounds: Functions that return the lowest and the highest log ratio that the resolution of
            the curves permits; empty if the resolution does not matter.
        quantity: Name of the ratio.
        text: Beginning of a sentence that the ratio continues.
    """

    compare: CurveComparison
    bounds: tuple[CurveComparison, ...] = ()
    quantity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _JudgedRatio:
    """Verdict of one definition, with rows of `Claim.numbers` and sentences."""

    verdict: Verdict
    rows: Sequence[dict[str, Any]]
    text: str


_ROUGHNESS_DEFINITIONS = (
    _Definition(
        compare=loss_curves.compare_roughness,
        quantity="roughness over the same losses, Adam / SGD",
        text="Over the same range of losses, the ratio of the roughness of Adam's training loss to "
        "SGD's is",
    ),
    _Definition(
        compare=loss_curves.compare_roughness_by_epoch,
        quantity="roughness over the same epochs, Adam / SGD",
        text="Over the same epochs, it is",
    ),
    _Definition(
        compare=loss_curves.compare_noise_by_epoch,
        quantity="roughness in nats over the same epochs, Adam / SGD",
        text="Over the same epochs, in nats instead of relative to the loss, it is",
    ),
)

_CONVERGENCE_DEFINITIONS = (
    _Definition(
        compare=loss_curves.compare_convergence,
        bounds=(
            loss_curves.compare_convergence_at_least,
            loss_curves.compare_convergence_at_most,
        ),
        quantity="epochs to 95%, SGD / Adam",
        text="The ratio of SGD's epochs to Adam's, until 95% of the final drop in training loss, "
        "is",
    ),
)


def judge_smoother_curves(loaded_study: LoadedStudy) -> Claim:
    """Judge whether SGD's curves are smoother, by three definitions of roughness.

    The log ratios are averaged over all pairs for each replicate. A definition supports the claim
    if the 95% confidence interval over replicates and the mean of every family are above 0. The
    paper claims it for both families. A definition contradicts it if all of them are below 0. The
    verdict is "supported" or "contradicted" if all definitions agree.
    """
    return _judge_definitions(
        partial(
            Claim,
            statement="SGD with momentum gives smoother loss curves than Adam.",
            paper_sections="3.1, 3.2, 5",
        ),
        loaded_study,
        _ROUGHNESS_DEFINITIONS,
    )


def judge_faster_convergence(loaded_study: LoadedStudy) -> Claim:
    """Judge whether Adam converges faster, by the rule of `judge_smoother_curves`.

    The interval is never narrower than the resolution of one epoch, so that equal replicates do not
    give an interval without a width.
    """
    return _judge_definitions(
        partial(Claim, statement="Adam converges faster than SGD.", paper_sections="3.1, 3.2, 5"),
        loaded_study,
        _CONVERGENCE_DEFINITIONS,
    )


def _judge_definitions(
    make_claim: Callable[..., Claim], loaded_study: LoadedStudy, definitions: Sequence[_Definition]
) -> Claim:
    pairs = _pair_curves(loaded_study)
    if isinstance(pairs, str):
        return make_claim(evidence=pairs)
    results = [_judge_ratio(pairs, definition) for definition in definitions]
    rows = [row for result in results for row in result.rows]
    if not rows:
        return make_claim(evidence="The loss curves are too short to compare.")
    verdicts = {result.verdict for result in results}
    n_replicates = max(row["replicates"] for row in rows)
    fewest_replicates = min(row["replicates"] for row in rows)
    texts = [result.text for result in results]
    texts.append(
        f"Trials are paired by replicate ({_format_replicates(fewest_replicates, n_replicates)})."
        if n_replicates > 1
        else ONE_REPLICATE_TEXT
    )
    if len(verdicts - {"inconclusive"}) == 2:
        texts.append("The definitions contradict each other.")
    return make_claim(
        verdict=verdicts.pop() if len(verdicts) == 1 else "inconclusive",
        evidence=" ".join(texts),
        numbers=pd.DataFrame(rows, columns=[*NUMBER_COLUMNS]),
    )


def _format_replicates(fewest: int, most: int) -> str:
    """Format as `3 replicates`, or `2 to 3 replicates` if some curves are too short to compare."""
    return format_count(most, "replicate") if fewest == most else f"{fewest} to {most} replicates"


def _judge_ratio(pairs: Sequence[CurvePair], definition: _Definition) -> _JudgedRatio:
    tables = [_tabulate(pairs, compare) for compare in (definition.compare, *definition.bounds)]
    if not tables[0].size:
        text = f"{definition.text} unknown, because the curves are too short."
        return _JudgedRatio(verdict="inconclusive", rows=(), text=text)
    overall = _estimate_ratio(tables)
    estimate_by_family = {
        str(family): _estimate_ratio([table[[family]] for table in tables])
        for family in tables[0].columns.unique("family")
    }
    rows = [_make_ratio_row(definition.quantity, overall)]
    verdict: Verdict = "inconclusive"
    if overall.low > 0 and min(one.mean for one in estimate_by_family.values()) > 0:
        verdict = "supported"
    elif overall.high < 0 and max(one.mean for one in estimate_by_family.values()) < 0:
        verdict = "contradicted"
    text = f"{definition.text} {format_plain_interval(rows[0])}."
    if len(estimate_by_family) > 1:
        rows += [
            _make_ratio_row(f"{definition.quantity}, {label(family)}", estimate)
            for family, estimate in estimate_by_family.items()
        ]
        family_texts = (
            f"{label(family)} {format_plain_interval(row)}"
            for family, row in zip(estimate_by_family, rows[1:], strict=True)
        )
        text += f" By family: {', '.join(family_texts)}."
    else:
        text += f" Only the {label(next(iter(estimate_by_family)))} has curves to compare."
    return _JudgedRatio(verdict=verdict, rows=rows, text=text)


def _estimate_ratio(tables: Sequence[pd.DataFrame]) -> Estimate:
    """Return the mean log ratio over the replicates with its interval.

    Args:
        tables: Log ratios, a row for each replicate, then their lower and upper bounds, if any.
    """
    values, *bounds = (table.to_numpy().mean(axis=1) for table in tables)
    estimate = estimate_mean(values, None)
    if bounds and estimate.replicates > 1:
        low, high = (bound.mean() for bound in bounds)
        estimate = estimate._replace(
            low=float(np.fmin(estimate.low, low)), high=float(np.fmax(estimate.high, high))
        )
    return estimate


def _make_ratio_row(quantity: str, log_ratio: Estimate) -> dict[str, Any]:
    """Return a row of `Claim.numbers` with the ratio and its interval, from the log ratio."""
    ratios = {
        "value": np.exp(log_ratio.mean),
        "low": np.exp(log_ratio.low),
        "high": np.exp(log_ratio.high),
    }
    return {"quantity": quantity, "p": log_ratio.p, "replicates": log_ratio.replicates} | ratios


def _pair_curves(loaded_study: LoadedStudy) -> Sequence[CurvePair] | str:
    """Return the pairs of SGD and Adam trials with equal other settings, or why there are none."""
    curves = _collect_curves(loaded_study)
    optimizers = {key[0] for key in curves}
    if missing := [name for name in ("sgd", "adam") if name not in optimizers]:
        return describe_missing(missing)
    pairs = [
        (family, other_settings, replicate, sgd, adam)
        for (optimizer, family, other_settings, replicate), sgd in curves.items()
        if optimizer == "sgd"
        and (adam := curves.get(("adam", family, other_settings, replicate))) is not None
    ]
    reason = (
        "No SGD trial has a matching Adam trial with the same replicate and equal other settings."
    )
    return pairs or reason


def _tabulate(pairs: Sequence[CurvePair], compare: CurveComparison) -> pd.DataFrame:
    """Return a row for each replicate, a column for each (family, other settings), and no NaN."""
    rows = [(f, other, replicate, compare(sgd, adam)) for f, other, replicate, sgd, adam in pairs]
    frame = pd.DataFrame(rows, columns=["family", "other_settings", "replicate", "value"])
    table = frame.pivot_table(
        index="replicate", columns=["family", "other_settings"], values="value", sort=False
    )
    return table.dropna(axis="index")


def _collect_curves(loaded_study: LoadedStudy) -> dict[tuple[str, str, str, str], FloatArray]:
    """Return training losses by optimizer, family, other settings and replicate."""
    curves = {}
    for key, record in loaded_study.records.items():
        losses = _to_valid_losses([epoch.train_loss for epoch in loaded_study.epochs[key]])
        if record.state is TrialState.COMPLETE and losses is not None:
            config = record.config
            other_settings = repr(
                sorted(
                    (k, v)
                    for k, v in config.items()
                    if k not in _OPTIMIZER_SETTINGS | REPLICATE_SETTINGS
                )
            )
            curve_key = (
                str(config["optimizer"]),
                str(config["family"]),
                other_settings,
                get_replicate_name(config),
            )
            curves[curve_key] = losses
    return curves


def _to_valid_losses(values: Sequence[float]) -> FloatArray | None:
    losses = np.array(values, dtype=np.float64)
    return losses if losses.size and np.isfinite(losses).all() and (losses > 0).all() else None
