"""What the paper says of the loss curves: which optimizer's are smoother, and which fall faster.

No test image enters here: a curve is of the training loss, so its luck is that of the seed alone.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import Estimate, estimate
from reports.claims.claim import MEASURED, ONE_SEED, Claim, Verdict, in_plain, lacks
from reports.format.text import word
from reports.format.units import plural
from reports.ledger.loading import Evidence

DROP = 0.95
"""Share of a curve's final drop at which it counts as converged."""

_LEAST_EPOCHS = 5  # three second differences: fewer say nothing of a curve

# Settings that go with the optimizer, so they may differ between the two that are compared.
_BESIDE = frozenset({"optimizer", "learning_rate", "momentum", "seed"})

Compare = Callable[[FloatArray, FloatArray], float]


def roughness(losses: FloatArray) -> float:
    """How far a curve jumps from epoch to epoch: the spread of its relative noise.

    The root mean square of the second differences of the loss's logarithm, divided by sqrt(6):
    for independent noise around a straight line, its standard deviation (Gasser, Sroka &
    Jennen-Steinmetz, Biometrika 1986). An exponential fall is a straight line in the logarithm,
    so its roughness is 0 whatever its speed.

    Args:
        losses: positive, at least three, shape (epochs,).

    Returns:
        At least 0; .1 means that an epoch's loss is off its neighbours' line by 10 %.
    """
    return float(np.sqrt(np.mean(np.diff(np.log(losses), 2) ** 2) / 6))


def rougher(sgd: FloatArray, adam: FloatArray) -> float:
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
    begin, end = min(sgd[0], adam[0]) / 2, max(sgd.min(), adam.min())
    if not 0 < end < begin:
        return float("nan")
    stretches = [c[np.argmax(c < begin) : np.argmax(c <= end) + 1] for c in (sgd, adam)]
    if min(map(len, stretches)) < _LEAST_EPOCHS:
        return float("nan")
    smooth, rough = map(roughness, stretches)
    return float(np.log(rough / smooth)) if smooth > 0 and rough > 0 else float("nan")


def epochs_until(losses: FloatArray, share: float = DROP) -> int:
    """The first epoch at which a curve has made `share` of its final drop.

    The drop is from the first epoch's loss to the lowest.

    Args:
        losses: by epoch, shape (epochs,).
        share: 0 to 1.

    Returns:
        From 1.
    """
    level = losses[0] - share * (losses[0] - losses.min())
    return int(np.argmax(losses <= level)) + 1


def slower(sgd: FloatArray, adam: FloatArray) -> float:
    """Logarithm of the epochs that SGD needs over those that Adam needs, to `DROP` of the drop.

    Returns:
        NaN where a loss never falls.
    """
    if not (sgd.min() < sgd[0] and adam.min() < adam[0]):
        return float("nan")
    return float(np.log(epochs_until(sgd) / epochs_until(adam)))


def smoother_curves(evidence: Evidence) -> Claim:
    """SGD's curves are smoother: `rougher` is above 0, as a mean over all pairs, seed by seed.

    Supported if the 95 % interval over seeds lies above 0, and each family's mean does too, as the
    paper says it of both; contradicted likewise below 0.
    """
    return _judge(
        partial(
            Claim,
            statement="SGD with momentum gives smoother loss curves than Adam.",
            where="3.1, 3.2, 5",
        ),
        _paired(evidence, rougher),
        "roughness, Adam / SGD",
        "At the same losses, Adam's training loss is rougher than SGD's by a factor of",
    )


def faster_convergence(evidence: Evidence) -> Claim:
    """Adam converges faster: `slower` is above 0; the same rule as `smoother_curves`."""
    return _judge(
        partial(Claim, statement="Adam converges faster than SGD.", where="3.1, 3.2, 5"),
        _paired(evidence, slower),
        "epochs to 95 %, SGD / Adam",
        "To 95 % of the final drop of its training loss, SGD needs more epochs than Adam by a "
        "factor of",
    )


def _judge(
    said: Callable[..., Claim], ratios: pd.DataFrame | str, quantity: str, words: str
) -> Claim:
    if isinstance(ratios, str):
        return said(evidence=ratios)
    whole = estimate(ratios.to_numpy().mean(axis=1), None)
    own = {str(f): ratios.xs(f, axis=1, level="family") for f in ratios.columns.unique("family")}
    each = {f: estimate(frame.to_numpy().mean(axis=1), None) for f, frame in own.items()}
    rows = [_row(quantity, whole)]
    rows += [_row(f"{quantity}, {word(f)}", one) for f, one in each.items() if len(each) > 1]
    verdict: Verdict = "cannot tell"
    if whole.low > 0 and min(one.mean for one in each.values()) > 0:
        verdict = "supported"
    elif whole.high < 0 and max(one.mean for one in each.values()) < 0:
        verdict = "contradicted"
    texts = [f"{words} {in_plain(rows[0])}."]
    if len(each) > 1:
        family = (f"{word(f)} {in_plain(r)}" for f, r in zip(each, rows[1:], strict=True))
        texts.append(f"Family by family: {', '.join(family)}.")
    else:
        texts.append(f"This study has both optimizers for the {word(next(iter(each)))} alone.")
    texts.append(f"Paired by seed: {plural(whole.seeds, 'seed')}." if whole.seeds > 1 else ONE_SEED)
    return said(
        verdict=verdict,
        evidence=" ".join(texts),
        numbers=pd.DataFrame(rows, columns=[*MEASURED]),
    )


def _row(quantity: str, found: Estimate) -> dict[str, Any]:
    """A ratio and its interval from those of its logarithm."""
    ratios = {"value": np.exp(found.mean), "low": np.exp(found.low), "high": np.exp(found.high)}
    return {"quantity": quantity, "p": found.p, "seeds": found.seeds} | ratios


def _paired(evidence: Evidence, compare: Compare) -> pd.DataFrame | str:
    """Compare the curves of SGD and Adam that differ in nothing else.

    Returns:
        One row a seed, one column a (family, other settings): over the seeds and settings that
        make a full table. Or, in a sentence, why there is none.
    """
    curves = _curves(evidence)
    lacking = [each for each in ("sgd", "adam") if each not in {key[0] for key in curves}]
    if lacking:
        return lacks(lacking)
    found = [
        {"family": family, "other": other, "seed": seed, "value": compare(sgd, adam)}
        for (optimizer, family, other, seed), sgd in curves.items()
        if optimizer == "sgd" and (adam := curves.get(("adam", family, other, seed))) is not None
    ]
    if not found:
        return "No trial with SGD has a partner with Adam, equal settings and the same seed."
    table = pd.DataFrame(found).pivot_table(
        index="seed", columns=["family", "other"], values="value", sort=False
    )
    table = table.dropna(axis="index")
    return table if table.size else "The curves are too short to be compared."


def _curves(evidence: Evidence) -> dict[tuple[str, str, str, int], FloatArray]:
    """Training losses of the complete trials by optimizer, family, other settings and seed."""
    found = {}
    for key, record in evidence.records.items():
        losses = _losses([epoch.train_loss for epoch in evidence.epochs[key]])
        if record.status == "complete" and losses is not None:
            config = record.config
            other = repr(sorted((k, v) for k, v in config.items() if k not in _BESIDE))
            place = (str(config["optimizer"]), str(config["family"]), other, int(config["seed"]))
            found[place] = losses
    return found


def _losses(values: Sequence[float]) -> FloatArray | None:
    losses = np.array(values, dtype=np.float64)
    return losses if losses.size and np.isfinite(losses).all() and (losses > 0).all() else None
