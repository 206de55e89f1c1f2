"""Build a search's folder with known results, quickly and without training."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from bloodnets.config import TrialConfig
from bloodnets.constants import CLASS_NAMES
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord, compute_fingerprint
from reports.ledger.search_record import Confirmation, ResNetSpace, SearchRecord
from reports.ledger.states import DataKind, EndReason, StopReason, StudyKind, TrialState
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import make_config_record, make_planned_trial, make_resnet_baseline
from study.tuning.asha import Rungs
from study.tuning.confirmation import rank_configurations
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix
from tests.helpers.ledger_entries import add_trial
from tests.helpers.search_proposals import make_proposals
from tests.helpers.search_runs import (
    PlannedEnds,
    Run,
    compute_final_value,
    make_curve,
    make_matrix,
)
from tests.helpers.trial_results import (
    halve_matrix,
    make_curve_epochs,
    make_split_results,
    skip_fsync,
)

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


@skip_fsync()
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
    """Build a search in `folder`, which must not exist; the study has the folder's name.

    Proposals are sampled at random, trials run one after another, and ASHA stops them as usual.

    Args:
        folder: Folder of the study.
        search: Settings of the search.
        kind: Kind of the data.
        ended_by: Reason that ended the search; None if it has not ended and has no confirmation.
        concurrency: Number of concurrent trials, recorded in the confirmation.
        with_published: Whether the published configurations are the first proposals.
        failed_numbers: Errors of trials that failed after two epochs, by number.
        diverged_numbers: Numbers of trials that diverged in their second epoch.
        running_numbers: Numbers of trials that are proposed but not in the ledger. If a budget or a
            target ended the search, they are trials that it stopped after three epochs.
        with_confirmation: Whether the trials of the confirmation are in the ledger.
    """
    ends = PlannedEnds(ended_by, failed_numbers or {}, diverged_numbers, running_numbers)
    ledger = create_study(folder, _make_search_study(folder.name, kind, search))
    proposals = make_proposals(search, with_published=with_published)
    values = _add_proposed_trials(ledger, search, proposals, ends)
    if ended_by is not None:
        confirmation = _make_confirmation(search, values, proposals, ended_by, concurrency)
        ledger.set_confirmation(confirmation)
        if with_confirmation:
            _add_confirmation_trials(ledger, search, confirmation)
    return ledger


def _make_search_study(name: str, kind: DataKind, search: SearchRecord) -> StudyRecord:
    test_matrix = grid_builder.make_published_matrices()["cnn-config-1"][0]
    study = grid_builder.make_grid_record(name, kind, CLASS_NAMES, test_matrix, [])
    return replace(
        study,
        kind=StudyKind.SEARCH,
        grid=None,
        command=("bloodstudy", "search", "--name", name),
        search=search,
        fingerprint=compute_fingerprint(study.data, [], study.software, search),
    )


def _add_proposed_trials(
    ledger: Ledger, search: SearchRecord, proposals: list[PlannedTrial], ends: PlannedEnds
) -> dict[str, float]:
    """Run every proposal; return the best value of each trial that has one, by configuration."""
    rungs, baselines = Rungs(search), make_baseline_configs(search)
    values: dict[str, float] = {}
    for number, planned in enumerate(proposals):
        ledger.add_proposal(planned)
        matrix = make_matrix(compute_final_value(planned.config))
        run = ends.run(number, make_curve(planned.config, matrix))
        if run is None:
            continue
        for epoch in range(1, len(run.curve) + 1):
            promoted = rungs.report(planned.id, epoch, max(run.curve[:epoch]))
            is_complete = run.stop_reason is StopReason.MAX_EPOCHS
            if is_complete and not promoted and planned.configuration not in baselines:
                run = Run(run.curve[:epoch], StopReason.ASHA)
                break
        _add_search_trial(ledger, planned, run, matrix)
        if run.error is None:
            values[planned.configuration] = max(run.curve)
    return values


def _add_confirmation_trials(
    ledger: Ledger, search: SearchRecord, confirmation: Confirmation
) -> None:
    for planned in confirmation.trials:
        # Other seeds score slightly lower, which is the shrinkage.
        shrinkage = 0.002 * (planned.config["seed"] - search.seed)
        matrix = make_matrix(compute_final_value(planned.config) - shrinkage)
        run = Run(make_curve(planned.config, matrix))
        _add_search_trial(ledger, planned, run, matrix, test_reason="confirmation of the search")


def _make_confirmation(
    search: SearchRecord,
    values: Mapping[str, float],
    proposals: list[PlannedTrial],
    ended_by: EndReason,
    concurrency: int,
) -> Confirmation:
    baselines = make_baseline_configs(search)
    best_names, baseline_names = rank_configurations(values, list(baselines), search.retrain_top)
    configs = {name: make_config_record(config) for name, config in baselines.items()}
    configs |= {planned.configuration: planned.config for planned in proposals}
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


def _add_search_trial(
    ledger: Ledger,
    planned: PlannedTrial,
    run: Run,
    matrix: ConfusionMatrix,
    *,
    test_reason: str | None = None,
) -> None:
    is_complete = run.stop_reason is StopReason.MAX_EPOCHS
    scores: dict[str, dict[str, float]] = {}
    predictions = b""
    if is_complete:
        matrices = {"val": halve_matrix(matrix)} | ({"test": matrix} if test_reason else {})
        scores, predictions = make_split_results(matrices, planned.config["seed"])
    accuracy_ratio = scores["val"]["accuracy"] / max(run.curve) if is_complete else 1.0
    epochs = make_curve_epochs(run.curve, accuracy_ratio)
    record = _make_trial_record(ledger, planned, run, epochs, scores)
    if is_complete:
        grid_builder.add_complete_trial(
            ledger, record, epochs=epochs, predictions=predictions, test_reason=test_reason
        )
    else:
        add_trial(ledger, record, epochs=epochs, test_reason=test_reason)


def _make_trial_record(
    ledger: Ledger,
    planned: PlannedTrial,
    run: Run,
    epochs: list[EpochRecord],
    scores: Mapping[str, Mapping[str, float]],
) -> TrialRecord:
    is_complete = run.stop_reason is StopReason.MAX_EPOCHS
    return TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=ledger.study.fingerprint,
        software_sha256=ledger.current_software.sha256,
        state=_STATES.get(run.stop_reason, TrialState.PRUNED),
        stop_reason=run.stop_reason,
        error=run.error,
        attempts=2 if run.stop_reason is StopReason.ERROR else 1,
        epochs=len(epochs),
        best_epoch=max(epochs, key=lambda epoch: epoch.val_macro_f1).epoch,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * len(epochs),
        device="cpu" if is_complete else None,
        host="here" if is_complete else None,
        versions=None,
        parameters=422_344 if is_complete else None,
        scores=scores,
        files={},
        operations=16_462_848 if is_complete else None,
    )
