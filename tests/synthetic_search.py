"""A search's folder with known results: made in a moment, without training anything."""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bloodnets import metrics
from bloodnets.config import TrialConfig
from reports.ledger.ledger import Ledger
from reports.ledger.records import (
    Confirmation,
    DataKind,
    EndReason,
    EpochRecord,
    PlannedTrial,
    ResnetSpace,
    SearchRecord,
    StopReason,
    TrialRecord,
    fingerprint,
)
from study.configs.search_space import named
from study.configs.study_config import replicate, resnet_start
from study.tuning.asha import Rungs
from study.tuning.confirmation import choose
from tests import synthetic
from tests.synthetic import Matrix

SEARCH = SearchRecord(
    trials=50,
    families=("cnn",),
    optimizers=("sgd", "adam"),
    learning_rate=(1e-5, 1e-1),
    dropout=(0.0, 0.7),
    momentum=(0.0, 0.99),
    sampler="tpe",
    seed=0,
    max_epochs=20,
    grace=1,
    reduction=2,
    batch_size=64,
    confirm=3,
    confirm_seeds=3,
    time_budget_s=None,
    target_f1=None,
)

SPACE = ResnetSpace(
    weight_decay=(1e-3, 1.0),
    label_smoothing=(0.0, 0.2),
    width=(16, 56),
    start=resnet_start(max_epochs=20, batch_size=128, precision="float32", seed=0),
)
RESNETS = replace(SEARCH, families=("resnet",), optimizers=("adamw",), batch_size=128, resnet=SPACE)


def build(
    folder: Path,
    *,
    search: SearchRecord = SEARCH,
    kind: DataKind = "official",
    ended_by: EndReason | None = "trials",
    at_once: int = 2,
    published: bool = True,
    failed: Mapping[int, str] | None = None,
    diverged: Collection[int] = (),
    running: Collection[int] = (),
    confirmed: bool = True,
) -> Ledger:
    """Make a search in `folder`, which must not exist; the study has the folder's name.

    Proposals are drawn at random, one trial runs after the other, and ASHA stops them as it would.

    Args:
        folder: of the study.
        search: its settings.
        kind: of the data.
        ended_by: how the search ended; None if it did not, and then nothing is confirmed.
        at_once: stands in the confirmation.
        published: the published configurations are the first proposals.
        failed: numbers of trials that ended with an error after two epochs, and the error.
        diverged: numbers of trials that diverged in their second epoch.
        running: numbers of trials that are proposed and not in the ledger; where the search was
            ended by a budget or a target, trials that it ended after three epochs.
        confirmed: the trials of the confirmation are in the ledger.
    """
    test = synthetic.published_matrices()["cnn-config-1"][0]
    study = synthetic._study(folder.name, kind, synthetic.CLASS_NAMES, test, [])
    study = replace(
        study,
        kind="search",
        command=("bloodstudy", "search", "--name", folder.name),
        search=search,
        fingerprint=fingerprint(study.data, [], study.versions, search),
    )
    ledger = Ledger.create(folder, study)
    rungs = Rungs(search.rungs, reduction=search.reduction)
    known = named(search)
    random = np.random.default_rng(search.seed)
    values: dict[str, float] = {}
    plan: dict[str, PlannedTrial] = {}
    reason: StopReason
    for number in range(search.trials):
        planned = _proposal(search, number, random, published)
        ledger.propose(planned)
        plan[planned.configuration] = planned
        matrix = _matrix(final(planned.config))
        curve, reason = _curve(planned.config, matrix), "max_epochs"
        if number in running:
            if ended_by is None or ended_by == "trials":
                continue
            curve = curve[:3]
            reason = ended_by
        elif number in (failed or {}):
            curve, reason = curve[:2], "error"
        elif number in diverged:
            curve, reason = curve[:1], "diverged"
        for epoch in range(1, len(curve) + 1):
            best = max(curve[:epoch])
            goes_on = rungs.goes_on(planned.id, epoch, best) or planned.configuration in known
            if not goes_on and reason == "max_epochs":
                curve, reason = curve[:epoch], "asha"
                break
        error = (failed or {}).get(number)
        if reason == "diverged":
            error = "NonFiniteLossError: the training loss is nan at epoch 2, step 7"
        _enter(ledger, planned, curve, reason, error, matrix)
        if reason not in ("error", "diverged"):
            values[planned.configuration] = max(curve)
    if ended_by is None:
        return ledger
    end = _end(search, values, plan, ended_by, at_once)
    ledger.confirm(end)
    for planned in end.trials if confirmed else ():
        # Another seed brings a little less: the shrinkage.
        less = 0.002 * (planned.config["seed"] - search.seed)
        matrix = _matrix(final(planned.config) - less)
        curve = _curve(planned.config, matrix)
        look = "confirmation of the search"
        _enter(ledger, planned, curve, "max_epochs", None, matrix, look)
    return ledger


def final(config: Mapping[str, Any]) -> float:
    """What a configuration reaches in full training: best at rate .001 (Adam) or .02 (SGD)."""
    optimum = math.log10(0.02 if config["optimizer"] == "sgd" else 1e-3)
    off = math.log10(config["learning_rate"]) - optimum
    momentum = 0.0 if config["momentum"] is None else 0.02 * (config["momentum"] - 0.9) ** 2
    from_dropout = 0.1 * (config["dropout"] - 0.3) ** 2
    return float(0.94 * math.exp(-0.15 * off**2) - from_dropout - momentum)


def _matrix(reached: float) -> Matrix:
    """Of test; its macro F1 is about `reached`, where that is .65 to .94."""
    best = synthetic.published_matrices()["cnn-config-1"][0]
    return synthetic.worse(best, moved=min(120, max(0, round((0.94 - reached) * 400))))


def _curve(config: Mapping[str, Any], matrix: Matrix) -> list[float]:
    """Macro F1 on val by epoch, ending with that of half the matrix."""
    half = metrics.scores(synthetic.halved(matrix))["macro_f1"]
    speed, last = 2 + 3 * config["dropout"], config["max_epochs"]
    part = [1 - math.exp(-epoch / speed) for epoch in range(1, last + 1)]
    return [half * each / part[-1] for each in part]


def _proposal(
    search: SearchRecord, number: int, random: np.random.Generator, published: bool
) -> PlannedTrial:
    if search.resnet is not None:
        return _resnet(search, number, random, published)
    config: dict[str, Any] = {
        "batch_size": search.batch_size,
        "max_epochs": search.max_epochs,
        "patience": search.max_epochs,
        "precision": search.precision,
    }
    names = [f"{family}-config-{n}" for family in search.families for n in (1, 2)]
    if published and number < len(names):
        name = names[number]
        values = synthetic.config(name, seed=search.seed, **config)
    else:
        name = f"trial-{number}"
        optimizer = search.optimizers[random.integers(len(search.optimizers))]
        low, high = np.log(search.learning_rate)
        config |= {
            "family": search.families[random.integers(len(search.families))],
            "optimizer": optimizer,
            "learning_rate": float(np.exp(random.uniform(low, high))),
            "dropout": random.uniform(*search.dropout),
            "momentum": random.uniform(*search.momentum) if optimizer == "sgd" else None,
        }
        values = synthetic.config(name, seed=search.seed, **config)
    trial_id = f"trial-{number}-{TrialConfig.from_dict(values).digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=values)


def _resnet(
    search: SearchRecord, number: int, random: np.random.Generator, published: bool
) -> PlannedTrial:
    config, name = named(search)["resnet"], "resnet"
    if number or not published:
        name = f"trial-{number}"
        drawn: dict[str, Any] = {key: random.uniform(*ends) for key, ends in search.ranges.items()}
        drawn |= {"momentum": None, "width": 8 * int(drawn["width"] / 8)}
        config = replace(config, **drawn)
    trial_id = f"trial-{number}-{config.digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=config.to_dict())


def _end(
    search: SearchRecord,
    values: Mapping[str, float],
    plan: Mapping[str, PlannedTrial],
    ended_by: EndReason,
    at_once: int,
) -> Confirmation:
    known = named(search)
    best, baseline = choose(values, list(known), search.confirm)
    configs = {name: planned.config for name, planned in plan.items()}
    configs = {name: config.to_dict() for name, config in known.items()} | configs
    trials = [
        replicate(name, TrialConfig.from_dict({**configs[name], "seed": seed}))
        for name in dict.fromkeys((*best, *baseline))
        for seed in range(search.seed + 1, search.seed + 1 + search.confirm_seeds)
    ]
    return Confirmation(
        ended_by=ended_by,
        ended_at="2026-01-02T04:04:05Z",
        duration_s=3600.0,
        at_once=at_once,
        best=best,
        baseline=baseline,
        trials=tuple(trials),
    )


def _enter(  # noqa: PLR0917 - a test's
    ledger: Ledger,
    planned: PlannedTrial,
    curve: list[float],
    reason: StopReason,
    error: str | None,
    matrix: Matrix,
    look: str | None = None,
) -> None:
    complete = reason == "max_epochs"
    scores: dict[str, dict[str, float]] = {}
    arrays: dict[str, Any] = {}
    if complete:
        splits = {"val": synthetic.halved(matrix)} | ({"test": matrix} if look else {})
        for split, own in splits.items():
            probabilities, labels = synthetic._predictions(own, planned.config["seed"])
            arrays |= {f"{split}_probabilities": probabilities, f"{split}_labels": labels}
            scores[split] = metrics.scores(own) | {"auc": metrics.auc(labels, probabilities)}
    accuracy = scores["val"]["accuracy"] / max(curve) if complete else 1.0
    epochs = [
        EpochRecord(
            epoch=epoch,
            train_loss=1.5 - value,
            val_loss=1.6 - value,
            val_accuracy=value * accuracy,
            val_macro_f1=value,
            duration_s=2.5,
        )
        for epoch, value in enumerate(curve, start=1)
    ]
    record = TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=ledger.study.fingerprint,
        status="complete" if complete else "failed" if reason == "error" else "pruned",
        stop_reason=reason,
        error=error,
        attempts=2 if reason == "error" else 1,
        epochs=len(epochs),
        best_epoch=max(epochs, key=lambda epoch: epoch.val_macro_f1).epoch,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * len(epochs),
        device="cpu" if complete else None,
        host="here" if complete else None,
        parameters=422_344 if complete else None,
        scores=scores,
        files={},
        operations=16_462_848 if complete else None,
    )
    if complete:
        predictions = synthetic.packed(arrays)
        synthetic.enter(ledger, record, epochs=epochs, predictions=predictions, look=look)
    else:
        ledger.enter(record, epochs=epochs, look=look)
