"""What the paper says of the loss curves: which optimizer's are smoother, and which fall faster.

No test image enters here: a curve is of the training loss, so its luck is that of the seed alone.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import Estimate, estimate_mean
from reports.claims.claim import (
    NUMBER_COLUMNS,
    ONE_SEED_TEXT,
    Claim,
    Verdict,
    describe_missing,
    format_plain_interval,
)
from reports.format.text import label
from reports.format.units import format_count
from reports.ledger.loading import LoadedStudy
from reports.ledger.states import TrialState

CONVERGED_DROP = 0.95
"""Share of a curve's final drop at which it counts as converged."""

_MIN_EPOCHS = 5  # three second differences: fewer say nothing of a curve

# Settings that go with the optimizer, so they may differ between the two that are compared.
_OPTIMIZER_SETTINGS = frozenset({"optimizer", "learning_rate", "momentum", "seed"})

CurveComparison = Callable[[FloatArray, FloatArray], float]


def compute_roughness(losses: FloatArray) -> float:
    """How far a curve jumps from epoch to epoch: the spread of its relative noise.

    The root mean square of the second differences of the loss's logarithm, divided by sqrt(6):
    for independent noise around a straight line, its standard deviation (Gasser, Sroka &
    Jennen-Steinmetz, Biometrika 1986). An exponential fall is a straight line in the logarithm,
    so its roughness is 0 whatever its speed.

    Args:
        losses: positive, at least three, shape (epochs,).

    Returns:
        At least 0; .1 means that an epoch's loss is off its neighbors' line by 10 %.
    """
    return float(np.sqrt(np.mean(np.diff(np.log(losses), 2) ** 2) / 6))


def compare_roughness(sgd: FloatArray, adam: FloatArray) -> float:
    """Logarithm of the roughness of Adam's curve over that of SGD's, at the same losses.

    Both curves are taken from the epoch at which they first fall below half of the lower of the
    two first losses (before it the fall is no exponential) to the one at which they first reach
    the lowest loss that both reach. Epochs would not do in the place of losses: the relative
    noise of any curve grows as its loss nears 0, so at the same epoch the optimizer that is
    further down looks rougher for that alone. On CNNs and real cells (three seeds) Adam was 3
    times as rough at the same epochs, 1.5 to 2 times at the same losses; in nats instead of in
    parts of the loss, which hides what happens at low losses, .7 to 1.4 times.

    Args:
        sgd: training losses by epoch, shape (epochs,).
        adam: the same, of a trial with the same seed and otherwise equal settings.

    Returns:
        NaN where a curve has fewer than five epochs between the two losses, or no roughness.
    """
    upper_loss, lower_loss = min(sgd[0], adam[0]) / 2, max(sgd.min(), adam.min())
    if not 0 < lower_loss < upper_loss:
        return float("nan")
    segments = [
        curve[np.argmax(curve < upper_loss) : np.argmax(curve <= lower_loss) + 1]
        for curve in (sgd, adam)
    ]
    if min(map(len, segments)) < _MIN_EPOCHS:
        return float("nan")
    sgd_roughness, adam_roughness = map(compute_roughness, segments)
    return (
        float(np.log(adam_roughness / sgd_roughness))
        if sgd_roughness > 0 and adam_roughness > 0
        else float("nan")
    )


def count_epochs_until(losses: FloatArray, share: float = CONVERGED_DROP) -> int:
    """The first epoch at which a curve has made `share` of its final drop.

    The drop is from the first epoch's loss to the lowest.

    Args:
        losses: by epoch, shape (epochs,).
        share: 0 to 1.

    Returns:
        From 1.
    """
    target_loss = losses[0] - share * (losses[0] - losses.min())
    return int(np.argmax(losses <= target_loss)) + 1


def compare_convergence(sgd: FloatArray, adam: FloatArray) -> float:
    """Logarithm of the epochs that SGD needs over those of Adam, to `CONVERGED_DROP` of the drop.

    Returns:
        NaN where a loss never falls.
    """
    if not (sgd.min() < sgd[0] and adam.min() < adam[0]):
        return float("nan")
    return float(np.log(count_epochs_until(sgd) / count_epochs_until(adam)))


def judge_smoother_curves(loaded_study: LoadedStudy) -> Claim:
    """SGD's curves are smoother: `compare_roughness` is above 0.

    It is taken as a mean over all pairs, seed by seed. Supported if the 95 % interval over seeds
    lies above 0, and each family's mean does too, as the paper says it of both; contradicted
    likewise below 0.
    """
    return _judge_ratios(
        partial(
            Claim,
            statement="SGD with momentum gives smoother loss curves than Adam.",
            paper_sections="3.1, 3.2, 5",
        ),
        _compare_paired_curves(loaded_study, compare_roughness),
        "roughness, Adam / SGD",
        "At the same losses, Adam's training loss is rougher than SGD's by a factor of",
    )


def judge_faster_convergence(loaded_study: LoadedStudy) -> Claim:
    """Adam converges faster: `compare_convergence` is above 0; as in `judge_smoother_curves`."""
    return _judge_ratios(
        partial(Claim, statement="Adam converges faster than SGD.", paper_sections="3.1, 3.2, 5"),
        _compare_paired_curves(loaded_study, compare_convergence),
        "epochs to 95 %, SGD / Adam",
        "To 95 % of the final drop of its training loss, SGD needs more epochs than Adam by a "
        "factor of",
    )


def _judge_ratios(
    make_claim: Callable[..., Claim], ratios: pd.DataFrame | str, quantity: str, text_prefix: str
) -> Claim:
    if isinstance(ratios, str):
        return make_claim(evidence=ratios)
    overall = estimate_mean(ratios.to_numpy().mean(axis=1), None)
    ratios_by_family = {
        str(f): ratios.xs(f, axis=1, level="family") for f in ratios.columns.unique("family")
    }
    estimate_by_family = {
        f: estimate_mean(frame.to_numpy().mean(axis=1), None)
        for f, frame in ratios_by_family.items()
    }
    rows = [_make_ratio_row(quantity, overall)]
    rows += [
        _make_ratio_row(f"{quantity}, {label(f)}", family_estimate)
        for f, family_estimate in estimate_by_family.items()
        if len(estimate_by_family) > 1
    ]
    verdict: Verdict = "cannot tell"
    if overall.low > 0 and min(one.mean for one in estimate_by_family.values()) > 0:
        verdict = "supported"
    elif overall.high < 0 and max(one.mean for one in estimate_by_family.values()) < 0:
        verdict = "contradicted"
    texts = [f"{text_prefix} {format_plain_interval(rows[0])}."]
    if len(estimate_by_family) > 1:
        family_texts = (
            f"{label(f)} {format_plain_interval(r)}"
            for f, r in zip(estimate_by_family, rows[1:], strict=True)
        )
        texts.append(f"Family by family: {', '.join(family_texts)}.")
    else:
        texts.append(
            f"This study has both optimizers for the {label(next(iter(estimate_by_family)))} alone."
        )
    texts.append(
        f"Paired by seed: {format_count(overall.seeds, 'seed')}."
        if overall.seeds > 1
        else ONE_SEED_TEXT
    )
    return make_claim(
        verdict=verdict,
        evidence=" ".join(texts),
        numbers=pd.DataFrame(rows, columns=[*NUMBER_COLUMNS]),
    )


def _make_ratio_row(quantity: str, log_ratio: Estimate) -> dict[str, Any]:
    """A ratio and its interval from those of its logarithm."""
    ratios = {
        "value": np.exp(log_ratio.mean),
        "low": np.exp(log_ratio.low),
        "high": np.exp(log_ratio.high),
    }
    return {"quantity": quantity, "p": log_ratio.p, "seeds": log_ratio.seeds} | ratios


def _compare_paired_curves(
    loaded_study: LoadedStudy, compare: CurveComparison
) -> pd.DataFrame | str:
    """Compare the curves of SGD and Adam that differ in nothing else.

    Returns:
        One row a seed, one column a (family, other settings): over the seeds and settings that
        make a full table. Or, in a sentence, why there is none.
    """
    curves = _collect_curves(loaded_study)
    missing = [
        optimizer_name
        for optimizer_name in ("sgd", "adam")
        if optimizer_name not in {key[0] for key in curves}
    ]
    if missing:
        return describe_missing(missing)
    rows = [
        {
            "family": family,
            "other_settings": other_settings,
            "seed": seed,
            "value": compare(sgd, adam),
        }
        for (optimizer, family, other_settings, seed), sgd in curves.items()
        if optimizer == "sgd"
        and (adam := curves.get(("adam", family, other_settings, seed))) is not None
    ]
    if not rows:
        return "No trial with SGD has a partner with Adam, equal settings and the same seed."
    table = pd.DataFrame(rows).pivot_table(
        index="seed", columns=["family", "other_settings"], values="value", sort=False
    )
    table = table.dropna(axis="index")
    return table if table.size else "The curves are too short to be compared."


def _collect_curves(loaded_study: LoadedStudy) -> dict[tuple[str, str, str, int], FloatArray]:
    """Training losses of the complete trials by optimizer, family, other settings and seed."""
    curves = {}
    for key, record in loaded_study.records.items():
        losses = _to_valid_losses([epoch.train_loss for epoch in loaded_study.epochs[key]])
        if record.state is TrialState.COMPLETE and losses is not None:
            config = record.config
            other_settings = repr(
                sorted((k, v) for k, v in config.items() if k not in _OPTIMIZER_SETTINGS)
            )
            curve_key = (
                str(config["optimizer"]),
                str(config["family"]),
                other_settings,
                int(config["seed"]),
            )
            curves[curve_key] = losses
    return curves


def _to_valid_losses(values: Sequence[float]) -> FloatArray | None:
    losses = np.array(values, dtype=np.float64)
    return losses if losses.size and np.isfinite(losses).all() and (losses > 0).all() else None
