"""Check that a search's proposals and confirmation follow from its settings and its epochs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger import published
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.verification.scores import expect_equal

_PROPOSALS_FILE, _CONFIRMATION_FILE = "proposals.jsonl", "confirmation.json"


def compute_digest(config: Mapping[str, Any]) -> str:
    """Return a configuration's digest, see `bloodnets.config.TrialConfig.compute_digest`.

    Args:
        config: Settings of a trial, including the seed.

    Returns:
        Digest, 8 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()[:8]


def check_proposals(ledger: Ledger, search: SearchRecord) -> str:
    """Check the number, id, name and settings of every proposal.

    Args:
        ledger: Ledger of the search.
        search: Settings of the search.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: A proposal has a wrong id or name, or is outside the search space.
    """
    proposals, baseline_configs = ledger.read_proposals(), _make_baseline_configs(search)
    if len(proposals) > search.n_trials:
        raise ConflictError(
            f"{_PROPOSALS_FILE} has {len(proposals)} proposals; "
            f"study.json allows {search.n_trials}",
            path=_PROPOSALS_FILE,
            value=len(proposals),
        )
    for number, planned in enumerate(proposals):
        name = f"trial-{number}"
        expected_id = f"{name}-{compute_digest(planned.config)}"
        expect_equal(
            _PROPOSALS_FILE,
            f"id of trial {number}",
            planned.id,
            expected_id,
            "its number and settings",
        )
        if planned.configuration != name:
            expected_name = next(
                (key for key, config in baseline_configs.items() if config == planned.config), name
            )
            expect_equal(
                _PROPOSALS_FILE,
                f"name of {name}",
                planned.configuration,
                expected_name,
                "its settings",
            )
        _check_in_space(planned, search)
    count_text = format_count(len(proposals), "proposal")
    return f"{_PROPOSALS_FILE}: {count_text}, each within the search space of study.json"


def _check_in_space(planned: PlannedTrial, search: SearchRecord) -> None:
    config: Mapping[str, object] = planned.config
    for key, value in (
        ("seed", search.seed),
        ("loss", "cross_entropy"),
        ("batch_size", search.batch_size),
        ("max_epochs", search.max_epochs),
        ("patience", search.max_epochs),
        ("precision", search.precision),
    ):
        expect_equal(_PROPOSALS_FILE, f"{key} of {planned.id}", config[key], value, "study.json")
    sgd = config["optimizer"] == "sgd"
    ranges = {name: bounds for name, bounds in search.ranges.items() if name != "momentum" or sgd}
    if search.resnet is not None:
        baseline_config: Mapping[str, object] = search.resnet.baseline_config
        for key in (baseline_config.keys() | config.keys()) - ranges.keys():
            quantity = f"{key} of {planned.id}"
            expect_equal(_PROPOSALS_FILE, quantity, config[key], baseline_config[key], "study.json")
    inside = (
        config["family"] in search.families
        and config["optimizer"] in search.optimizers
        and (sgd or config["momentum"] is None)
        and all(_is_within(config[key], *ends) for key, ends in ranges.items())
    )
    if not inside:
        raise ConflictError(
            f"{_PROPOSALS_FILE}: {planned.id} is outside the search space of study.json",
            path=_PROPOSALS_FILE,
            value=planned.id,
        )


def _is_within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and low <= value <= high


def check_search(
    ledger: Ledger, search: SearchRecord, records: Mapping[str, TrialRecord]
) -> list[str]:
    """Check the trials that ASHA stopped, the confirmation, and that the search did not use test.

    Args:
        ledger: Ledger of the search.
        search: Settings of the search.
        records: Records of the search's trials and of the re-trained ones, by id.

    Returns:
        Lines that describe what was checked.

    Raises:
        ConflictError: A check failed.
    """
    proposals, confirmation = ledger.read_proposals(), ledger.read_confirmation()
    curves = {
        planned.id: [epoch.val_macro_f1 for epoch in ledger.read_epochs(planned.id)]
        for planned in proposals
        if planned.id in records
    }
    _check_rungs(search, records, curves)
    _check_test_unseen(records, proposals)
    n_stopped = sum(records[key].stop_reason == "asha" for key in curves)
    lines = [
        f"{format_count(n_stopped, 'trial')} stopped by ASHA: each at a rung where another "
        "trial was better"
    ]
    if confirmation is None:
        return [*lines, "The search has not ended, so there is no confirmation to check"]
    if unfinished := [planned.id for planned in proposals if planned.id not in records]:
        name = f"trials/{unfinished[0]}.json"
        raise ConflictError(f"{_CONFIRMATION_FILE} exists, but {name} is missing", path=name)
    _check_end(confirmation, search, proposals, curves)
    values = {
        planned.configuration: max(curves[planned.id])
        for planned in proposals
        if curves[planned.id] and records[planned.id].error is None
    }
    _check_chosen(confirmation, search, values)
    _check_retrained(confirmation, search, proposals)
    return [
        *lines,
        f"{_CONFIRMATION_FILE}: the re-trained configurations follow from the val scores",
    ]


def _check_rungs(
    search: SearchRecord,
    records: Mapping[str, TrialRecord],
    curves: Mapping[str, Sequence[float]],
) -> None:
    """Check that each trial stopped by ASHA ended at a rung where another trial was better.

    ASHA never stops a baseline. The order in which trials reached a rung is not stored, so the
    decision itself cannot be checked.
    """
    baseline_names = _make_baseline_configs(search)
    best_so_far = {key: list(accumulate(curve, max)) for key, curve in curves.items()}
    for key in curves:
        if records[key].stop_reason != "asha":
            continue
        name, last_epoch = f"trials/{key}.json", records[key].epochs
        if records[key].configuration in baseline_names:
            raise ConflictError(
                f"{name}: ASHA stopped the trial, but it never stops a baseline", path=name
            )
        if last_epoch not in search.rungs:
            raise ConflictError(
                f"{name}: ASHA stopped the trial after epoch {last_epoch}, which is not a rung",
                path=name,
                value=last_epoch,
            )
        rung_values = [
            values[last_epoch - 1] for values in best_so_far.values() if len(values) >= last_epoch
        ]
        if best_so_far[key][-1] >= max(rung_values):
            raise ConflictError(
                f"{name}: ASHA stopped the trial, but it was the best at epoch {last_epoch}",
                path=name,
                value=last_epoch,
            )


def _check_test_unseen(
    records: Mapping[str, TrialRecord], proposals: Sequence[PlannedTrial]
) -> None:
    """Check that no trial of the search has scores on test, which its test evaluations must match.

    A model that `bloodstudy predict` evaluated on test later has none.
    """
    for planned in proposals:
        if planned.id in records and "test" in records[planned.id].scores:
            name = f"trials/{planned.id}.json"
            raise ConflictError(
                f"{name} has scores on test, but trials of a search are not evaluated on test",
                path=name,
                value=planned.id,
            )


def _check_end(
    confirmation: Confirmation,
    search: SearchRecord,
    proposals: Sequence[PlannedTrial],
    curves: Mapping[str, Sequence[float]],
) -> None:
    """Check that the search could end for the stated reason."""
    quantity, source = "ended_by", "study.json"
    if confirmation.ended_by == "trials":
        expect_equal(
            _CONFIRMATION_FILE,
            "number of trials",
            search.n_trials,
            len(proposals),
            _PROPOSALS_FILE,
        )
    elif (
        getattr(
            search, {"time_budget": "time_budget_s"}.get(confirmation.ended_by, "target_macro_f1")
        )
        is None
    ):
        expect_equal(_CONFIRMATION_FILE, quantity, confirmation.ended_by, "another reason", source)
    highest = max((max(curve) for curve in curves.values() if curve), default=0.0)
    if confirmation.ended_by == "target_macro_f1" and highest < (search.target_macro_f1 or 0):
        source = f"the epochs, where val macro F1 is at most {highest}"
        expect_equal(_CONFIRMATION_FILE, quantity, confirmation.ended_by, "another reason", source)


def _check_chosen(
    confirmation: Confirmation, search: SearchRecord, values: Mapping[str, float]
) -> None:
    """Check that the best configurations and the baselines follow from the val scores.

    Ties go to the earlier trial. Without a baseline in the search, all baselines are re-trained.
    """
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[: search.retrain_top])
    baseline_names = list(_make_baseline_configs(search))
    ranked_baselines = [name for name in ranked if name in baseline_names]
    baselines = tuple(ranked_baselines[:1] or baseline_names) if best else ()
    expect_equal(_CONFIRMATION_FILE, "best", confirmation.best, best, "the epochs")
    expect_equal(_CONFIRMATION_FILE, "baselines", confirmation.baselines, baselines, "the epochs")


def _check_retrained(
    confirmation: Confirmation, search: SearchRecord, proposals: Sequence[PlannedTrial]
) -> None:
    """Check that each chosen configuration is planned with each seed and its own settings."""
    configs = _make_baseline_configs(search) | {
        planned.configuration: planned.config for planned in proposals
    }
    first_seed = search.seed + 1
    expected_trials = [
        (name, dict(configs[name]) | {"seed": seed})
        for name in dict.fromkeys((*confirmation.best, *confirmation.baselines))
        for seed in range(first_seed, first_seed + search.retrain_seeds)
    ]
    expect_equal(
        _CONFIRMATION_FILE,
        "number of trials",
        len(confirmation.trials),
        len(expected_trials),
        "study.json",
    )
    for planned, (name, config) in zip(confirmation.trials, expected_trials, strict=True):
        expected_id = f"{name}-s{config['seed']}-{compute_digest(config)}"
        expect_equal(
            _CONFIRMATION_FILE,
            "id of a trial",
            planned.id,
            expected_id,
            "study.json and the proposals",
        )
        expect_equal(
            _CONFIRMATION_FILE, f"name of {planned.id}", planned.configuration, name, "its id"
        )
        expect_equal(
            _CONFIRMATION_FILE, f"settings of {planned.id}", dict(planned.config), config, "its id"
        )


def _make_baseline_configs(search: SearchRecord) -> dict[str, Mapping[str, Any]]:
    """Return the baselines by name, as `study.configs.search_space.make_baseline_configs` does."""
    if search.resnet is not None:
        return {"resnet": search.resnet.baseline_config}
    training: dict[str, Any] = {"batch_size": search.batch_size, "max_epochs": search.max_epochs}
    training |= {"patience": search.max_epochs, "seed": search.seed}
    training |= {**NEUTRAL_SETTINGS, "precision": search.precision}
    return {
        row.configuration: {key: getattr(row, key) for key in published.PUBLISHED_SETTINGS}
        | training
        for row in published.load_published().rows
        if row.family in search.families and row.loss == "cross_entropy"
    }
