"""Do a search's proposals and its confirmation follow from its settings and its epochs?"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from bloodnets.errors import ConflictError
from reports.format.units import plural
from reports.ledger import published
from reports.ledger.ledger import Ledger
from reports.ledger.records import Confirmation, PlannedTrial, SearchRecord, TrialRecord
from reports.verification.scores import agree

_PROPOSALS, _CONFIRMATION = "proposals.jsonl", "confirmation.json"


def digest(config: Mapping[str, Any]) -> str:
    """As `bloodnets.config.TrialConfig.digest`, which needs the class."""
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()[:8]


def check_proposals(ledger: Ledger, search: SearchRecord) -> str:
    """Every proposal is numbered, and of the search's space; one with a name is what it says.

    Raises:
        ConflictError: one is not.
    """
    proposals, known = ledger.proposals(), _named(search)
    if len(proposals) > search.trials:
        raise ConflictError(
            f"{_PROPOSALS} has {len(proposals)} proposals; study.json allows {search.trials}"
        )
    for number, planned in enumerate(proposals):
        name = f"trial-{number}"
        wanted = f"{name}-{digest(planned.config)}"
        agree(_PROPOSALS, f"trial {number}", planned.id, wanted, "its place and settings")
        if planned.configuration != name:
            found = next((key for key, own in known.items() if own == planned.config), name)
            agree(_PROPOSALS, f"the name of {name}", planned.configuration, found, "its digest")
        _in_space(planned, search)
    return f"{_PROPOSALS}: {plural(len(proposals), 'proposal')}, each of the space in study.json"


def _in_space(planned: PlannedTrial, search: SearchRecord) -> None:
    config = planned.config
    for key, value in (
        ("seed", search.seed),
        ("loss", "cross_entropy"),
        ("batch_size", search.batch_size),
        ("max_epochs", search.max_epochs),
        ("patience", search.max_epochs),
    ):
        agree(_PROPOSALS, f"{key} of {planned.id}", config.get(key), value, "study.json")
    precision = config.get("precision", "float32")
    agree(_PROPOSALS, f"precision of {planned.id}", precision, search.precision, "study.json")
    sgd = config.get("optimizer") == "sgd"
    ranges = {name: ends for name, ends in search.ranges.items() if name != "momentum" or sgd}
    if search.resnet is not None:
        start = search.resnet.start
        for key in (start.keys() | config.keys()) - ranges.keys():
            what = f"{key} of {planned.id}"
            agree(_PROPOSALS, what, config.get(key), start.get(key), "study.json")
    inside = (
        config.get("family") in search.families
        and config.get("optimizer") in search.optimizers
        and (sgd or config.get("momentum") is None)
        and all(_within(config.get(key, 0.0), *ends) for key, ends in ranges.items())
    )
    if not inside:
        raise ConflictError(f"{_PROPOSALS} has {planned.id} outside the space in study.json")


def _within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and low <= value <= high


def check_search(
    ledger: Ledger, search: SearchRecord, records: Mapping[str, TrialRecord]
) -> list[str]:
    """ASHA stopped at rungs; the confirmation follows from the epochs; nothing else saw test.

    Args:
        ledger: of the search.
        search: its settings.
        records: of its trials and those of its confirmation, by id.

    Returns:
        Lines that say what was checked.

    Raises:
        ConflictError: something does not follow.
    """
    proposals, end = ledger.proposals(), ledger.confirmation()
    courses = {
        planned.id: [epoch.val_macro_f1 for epoch in ledger.epochs(planned.id)]
        for planned in proposals
        if planned.id in records
    }
    _rungs(search, records, courses)
    _unseen(ledger, proposals)
    stopped = sum(records[key].stop_reason == "asha" for key in courses)
    lines = [f"{plural(stopped, 'trial')} stopped by ASHA: each at a rung, below another there"]
    if end is None:
        return [*lines, "The search has not ended: there is no confirmation to check"]
    if waiting := [planned.id for planned in proposals if planned.id not in records]:
        raise ConflictError(f"{_CONFIRMATION} is there, but trials/{waiting[0]}.json is missing")
    _ended(end, search, proposals, courses)
    values = {
        planned.configuration: max(courses[planned.id])
        for planned in proposals
        if courses[planned.id] and records[planned.id].error is None
    }
    _chosen(end, search, values)
    _planned_again(end, search, proposals)
    return [*lines, f"{_CONFIRMATION}: what was trained again follows from the epochs on val"]


def _rungs(
    search: SearchRecord,
    records: Mapping[str, TrialRecord],
    courses: Mapping[str, Sequence[float]],
) -> None:
    """A stopped trial is at a rung, and none of those with names, which run in full.

    In which order trials came to a rung is not kept; but it was not the best of all.
    """
    names = _named(search)
    best = {key: list(accumulate(course, max)) for key, course in courses.items()}
    for key in courses:
        if records[key].stop_reason != "asha":
            continue
        name, last = f"trials/{key}.json", records[key].epochs
        if records[key].configuration in names:
            raise ConflictError(
                f"{name} says that ASHA stopped it, but those with a name run in full"
            )
        if last not in search.rungs:
            raise ConflictError(f"{name} says that ASHA stopped it after epoch {last}, no rung")
        there = [values[last - 1] for values in best.values() if len(values) >= last]
        if best[key][-1] >= max(there):
            raise ConflictError(f"{name} says that ASHA stopped it, but it led at epoch {last}")


def _unseen(ledger: Ledger, proposals: Sequence[PlannedTrial]) -> None:
    looked_at = {look.trial for look in ledger.looks()}
    for planned in proposals:
        if planned.id in looked_at:
            raise ConflictError(f"looks.jsonl has {planned.id}, a trial of the search, on test")


def _ended(
    end: Confirmation,
    search: SearchRecord,
    proposals: Sequence[PlannedTrial],
    courses: Mapping[str, Sequence[float]],
) -> None:
    """What ended the search could end it."""
    what, by = "what ended the search", "study.json"
    if end.ended_by == "trials":
        agree(_CONFIRMATION, "the number of trials", search.trials, len(proposals), _PROPOSALS)
    elif getattr(search, {"time_budget": "time_budget_s"}.get(end.ended_by, "target_f1")) is None:
        agree(_CONFIRMATION, what, end.ended_by, "no such end", by)
    highest = max((max(course) for course in courses.values() if course), default=0.0)
    if end.ended_by == "target_f1" and highest < (search.target_f1 or 0):
        agree(_CONFIRMATION, what, end.ended_by, f"{highest} at most", "the epochs")


def _chosen(end: Confirmation, search: SearchRecord, values: Mapping[str, float]) -> None:
    """The best by val, the earlier of equals, and the best with a name, or all without one."""
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[: search.confirm])
    names = list(_named(search))
    known = [name for name in ranked if name in names]
    baseline = tuple(known[:1] or names) if best else ()
    agree(_CONFIRMATION, "the best", end.best, best, "the epochs")
    agree(_CONFIRMATION, "the baseline", end.baseline, baseline, "the epochs")


def _planned_again(
    end: Confirmation, search: SearchRecord, proposals: Sequence[PlannedTrial]
) -> None:
    """Each chosen configuration with each seed, and nothing else changed."""
    configs = _named(search) | {planned.configuration: planned.config for planned in proposals}
    first = search.seed + 1
    wanted = [
        (name, dict(configs[name]) | {"seed": seed})
        for name in dict.fromkeys((*end.best, *end.baseline))
        for seed in range(first, first + search.confirm_seeds)
    ]
    agree(_CONFIRMATION, "the number of trials", len(end.trials), len(wanted), "study.json")
    for planned, (name, config) in zip(end.trials, wanted, strict=True):
        wanted_id = f"{name}-s{config['seed']}-{digest(config)}"
        agree(_CONFIRMATION, "a trial", planned.id, wanted_id, "study.json and the proposals")
        agree(_CONFIRMATION, f"the name of {planned.id}", planned.configuration, name, "its id")
        agree(_CONFIRMATION, f"settings of {planned.id}", dict(planned.config), config, "its id")


def _named(search: SearchRecord) -> dict[str, Mapping[str, Any]]:
    """The configurations with names, as `study.configs.search_space.named` makes them."""
    if search.resnet is not None:
        return {"resnet": search.resnet.start}
    training: dict[str, Any] = {"batch_size": search.batch_size, "max_epochs": search.max_epochs}
    training |= {"patience": search.max_epochs, "seed": search.seed}
    training |= {"precision": search.precision} if search.precision != "float32" else {}
    return {
        row.configuration: {key: getattr(row, key) for key in published.SETTINGS} | training
        for row in published.load().rows
        if row.family in search.families and row.loss == "cross_entropy"
    }
