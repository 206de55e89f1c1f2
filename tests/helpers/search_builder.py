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
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord, compute_fingerprint
from reports.ledger.search_record import Confirmation, ResNetSpace, SearchRecord
from reports.ledger.states import DataKind, EndReason, StopReason, StudyKind, TrialState
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import make_config_record, make_planned_trial, make_resnet_baseline
from study.tuning.asha import Rungs
from study.tuning.confirmation import rank_configurations
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix

_STATES = {StopReason.MAX_EPOCHS: TrialState.COMPLETE, StopReason.ERROR: TrialState.FAILED}

SEARCH_RECORD = SearchRecord(
    n_trials=50,
    families=("cnn",),
    optimizers=("sgd", "adam"),
    learning_rate=(1e-5, 1e-1),
    dropout=(0.0, 0.7),
    momentum=(0.0, 0.99),
    sampler="tpe",
    seed=0,
    max_epochs=20,
    rungs=(1, 3, 9, 15),
    reduction_factor=2,
    batch_size=64,
    retrain_top=3,
    retrain_seeds=3,
    time_budget_s=None,
    target_macro_f1=None,
    precision="float32",
    resnet=None,
)

RESNET_SPACE = ResNetSpace(
    weight_decay=(1e-3, 1.0),
    label_smoothing=(0.0, 0.2),
    width=(16, 56),
    baseline_config=make_config_record(
        make_resnet_baseline(max_epochs=20, batch_size=128, precision="float32", seed=0)
    ),
)
RESNET_SEARCH_RECORD = replace(
    SEARCH_RECORD, families=("resnet",), optimizers=("adamw",), batch_size=128, resnet=RESNET_SPACE
)


def build_search(
    folder: Path,
    *,
    search: SearchRecord = SEARCH_RECORD,
    kind: DataKind = DataKind.OFFICIAL,
    ended_by: EndReason | None = EndReason.TRIALS,
    concurrency: int = 2,
    with_published: bool = True,
    failed_numbers: Mapping[int, str] | None = None,
    diverged_numbers: Collection[int] = (),
    running_numbers: Collection[int] = (),
    with_confirmation: bool = True,
) -> Ledger:
    """Make a search in `folder`, which must not exist; the study has the folder's name.

    Proposals are drawn at random, one trial runs after the other, and ASHA stops them as it would.

    Args:
        folder: of the study.
        search: its settings.
        kind: of the data.
        ended_by: how the search ended; None if it did not, and then nothing is confirmed.
        concurrency: stands in the confirmation.
        with_published: the published configurations are the first proposals.
        failed_numbers: numbers of trials that ended with an error after two epochs, and the error.
        diverged_numbers: numbers of trials that diverged in their second epoch.
        running_numbers: numbers of trials that are proposed and not in the ledger; where the search
            was ended by a budget or a target, trials that it ended after three epochs.
        with_confirmation: the trials of the confirmation are in the ledger.
    """
    test_matrix = grid_builder.make_published_matrices()["cnn-config-1"][0]
    study = grid_builder.make_grid_record(
        folder.name, kind, grid_builder.CLASS_NAMES, test_matrix, []
    )
    study = replace(
        study,
        kind=StudyKind.SEARCH,
        grid=None,
        command=("bloodstudy", "search", "--name", folder.name),
        search=search,
        fingerprint=compute_fingerprint(study.data, [], study.software, search),
    )
    ledger = Ledger.create(folder, study)
    rungs = Rungs(search)
    baselines = make_baseline_configs(search)
    rng = np.random.default_rng(search.seed)
    values: dict[str, float] = {}
    planned_by_name: dict[str, PlannedTrial] = {}
    stop_reason: StopReason
    for number in range(search.n_trials):
        planned = _make_proposal(search, number, rng, with_published)
        ledger.add_proposal(planned)
        planned_by_name[planned.configuration] = planned
        matrix = _make_matrix(compute_final_value(planned.config))
        curve, stop_reason = _make_curve(planned.config, matrix), StopReason.MAX_EPOCHS
        if number in running_numbers:
            if ended_by is None or ended_by is EndReason.TRIALS:
                continue
            curve = curve[:3]
            stop_reason = StopReason(ended_by)
        elif number in (failed_numbers or {}):
            curve, stop_reason = curve[:2], StopReason.ERROR
        elif number in diverged_numbers:
            curve, stop_reason = curve[:1], StopReason.DIVERGED
        for epoch in range(1, len(curve) + 1):
            best = max(curve[:epoch])
            promoted = rungs.report(planned.id, epoch, best) or planned.configuration in baselines
            if not promoted and stop_reason == StopReason.MAX_EPOCHS:
                curve, stop_reason = curve[:epoch], StopReason.ASHA
                break
        error = (failed_numbers or {}).get(number)
        if stop_reason == StopReason.DIVERGED:
            error = "NonFiniteLossError: the training loss is nan at epoch 2, step 7"
        _add_search_trial(ledger, planned, curve, stop_reason, error, matrix)
        if stop_reason not in (StopReason.ERROR, StopReason.DIVERGED):
            values[planned.configuration] = max(curve)
    if ended_by is None:
        return ledger
    confirmation = _make_confirmation(search, values, planned_by_name, ended_by, concurrency)
    ledger.set_confirmation(confirmation)
    for planned in confirmation.trials if with_confirmation else ():
        # Another seed brings a little less: the shrinkage.
        shrinkage = 0.002 * (planned.config["seed"] - search.seed)
        matrix = _make_matrix(compute_final_value(planned.config) - shrinkage)
        curve = _make_curve(planned.config, matrix)
        test_reason = "confirmation of the search"
        _add_search_trial(ledger, planned, curve, StopReason.MAX_EPOCHS, None, matrix, test_reason)
    return ledger


def compute_final_value(config: Mapping[str, Any]) -> float:
    """What a configuration reaches in full training: best at rate .001 (Adam) or .02 (SGD)."""
    log_optimum = math.log10(0.02 if config["optimizer"] == "sgd" else 1e-3)
    log_distance = math.log10(config["learning_rate"]) - log_optimum
    momentum_penalty = 0.0 if config["momentum"] is None else 0.02 * (config["momentum"] - 0.9) ** 2
    dropout_penalty = 0.1 * (config["dropout"] - 0.3) ** 2
    return float(0.94 * math.exp(-0.15 * log_distance**2) - dropout_penalty - momentum_penalty)


def _make_matrix(value: float) -> ConfusionMatrix:
    """Of test; its macro F1 is about `value`, where that is .65 to .94."""
    best_matrix = grid_builder.make_published_matrices()["cnn-config-1"][0]
    return grid_builder.worsen_matrix(
        best_matrix, n_moved=min(120, max(0, round((0.94 - value) * 400)))
    )


def _make_curve(config: Mapping[str, Any], matrix: ConfusionMatrix) -> list[float]:
    """Macro F1 on val by epoch, ending with that of half the matrix."""
    best_value = metrics.compute_scores(grid_builder.halve_matrix(matrix))["macro_f1"]
    time_constant, n_epochs = 2 + 3 * config["dropout"], config["max_epochs"]
    progress = [1 - math.exp(-epoch / time_constant) for epoch in range(1, n_epochs + 1)]
    return [best_value * fraction / progress[-1] for fraction in progress]


def _make_proposal(
    search: SearchRecord, number: int, rng: np.random.Generator, with_published: bool
) -> PlannedTrial:
    if search.resnet is not None:
        return _make_resnet_proposal(search, number, rng, with_published)
    config: dict[str, Any] = {
        "batch_size": search.batch_size,
        "max_epochs": search.max_epochs,
        "patience": search.max_epochs,
        "precision": search.precision,
    }
    names = [f"{family}-config-{n}" for family in search.families for n in (1, 2)]
    if with_published and number < len(names):
        name = names[number]
        config_values = grid_builder.make_config(name, seed=search.seed, **config)
    else:
        name = f"trial-{number}"
        optimizer = search.optimizers[rng.integers(len(search.optimizers))]
        low, high = np.log(search.learning_rate)
        config |= {
            "family": search.families[rng.integers(len(search.families))],
            "optimizer": optimizer,
            "learning_rate": float(np.exp(rng.uniform(low, high))),
            "dropout": rng.uniform(*search.dropout),
            "momentum": rng.uniform(*search.momentum) if optimizer == "sgd" else None,
        }
        config_values = grid_builder.make_config(name, seed=search.seed, **config)
    trial_id = f"trial-{number}-{TrialConfig.from_dict(config_values).compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=config_values)


def _make_resnet_proposal(
    search: SearchRecord, number: int, rng: np.random.Generator, with_published: bool
) -> PlannedTrial:
    config, name = make_baseline_configs(search)["resnet"], "resnet"
    if number or not with_published:
        name = f"trial-{number}"
        sampled_values: dict[str, Any] = {
            key: rng.uniform(*bounds) for key, bounds in search.ranges.items()
        }
        sampled_values |= {"momentum": None, "width": 8 * int(sampled_values["width"] / 8)}
        config = replace(config, **sampled_values)
    trial_id = f"trial-{number}-{config.compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=make_config_record(config))


def _make_confirmation(
    search: SearchRecord,
    values: Mapping[str, float],
    planned_by_name: Mapping[str, PlannedTrial],
    ended_by: EndReason,
    concurrency: int,
) -> Confirmation:
    baselines = make_baseline_configs(search)
    best_names, baseline_names = rank_configurations(values, list(baselines), search.retrain_top)
    configs = {name: planned.config for name, planned in planned_by_name.items()}
    configs = {name: make_config_record(config) for name, config in baselines.items()} | configs
    trials = [
        make_planned_trial(name, TrialConfig.from_dict({**configs[name], "seed": seed}))
        for name in dict.fromkeys((*best_names, *baseline_names))
        for seed in range(search.seed + 1, search.seed + 1 + search.retrain_seeds)
    ]
    return Confirmation(
        ended_by=ended_by,
        duration_s=3600.0,
        concurrency=concurrency,
        best=best_names,
        baselines=baseline_names,
        trials=tuple(trials),
    )


def _add_search_trial(  # noqa: PLR0917 - a test's
    ledger: Ledger,
    planned: PlannedTrial,
    curve: list[float],
    stop_reason: StopReason,
    error: str | None,
    matrix: ConfusionMatrix,
    test_reason: str | None = None,
) -> None:
    is_complete = stop_reason == StopReason.MAX_EPOCHS
    scores: dict[str, dict[str, float]] = {}
    arrays: dict[str, Any] = {}
    if is_complete:
        splits = {"val": grid_builder.halve_matrix(matrix)} | (
            {"test": matrix} if test_reason else {}
        )
        for split, split_matrix in splits.items():
            probabilities, labels = grid_builder.make_predictions(
                split_matrix, planned.config["seed"]
            )
            arrays |= {f"{split}_probabilities": probabilities, f"{split}_labels": labels}
            scores[split] = metrics.compute_scores(split_matrix) | {
                "auc": metrics.compute_auc(labels, probabilities)
            }
    accuracy = scores["val"]["accuracy"] / max(curve) if is_complete else 1.0
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
        software_sha256=ledger.current_software.sha256,
        state=_STATES.get(stop_reason, TrialState.PRUNED),
        stop_reason=stop_reason,
        error=error,
        attempts=2 if stop_reason == StopReason.ERROR else 1,
        epochs=len(epochs),
        best_epoch=max(epochs, key=lambda epoch: epoch.val_macro_f1).epoch,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * len(epochs),
        device="cpu" if is_complete else None,
        host="here" if is_complete else None,
        parameters=422_344 if is_complete else None,
        scores=scores,
        files={},
        operations=16_462_848 if is_complete else None,
    )
    if is_complete:
        predictions = grid_builder.pack_npz(arrays)
        grid_builder.add_complete_trial(
            ledger, record, epochs=epochs, predictions=predictions, test_reason=test_reason
        )
    else:
        ledger.add_trial(record, epochs=epochs, test_reason=test_reason)
