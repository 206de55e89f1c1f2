"""Describe how a requested study differs from an existing one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reports.ledger.planned_trial import PlannedTrial, fill_settings, get_replicate_name
from reports.ledger.records import StudyRecord

_DROPPED_WORDS = {True: "dropped", False: "kept"}


def list_differences(existing: StudyRecord, requested: StudyRecord) -> list[str]:
    """Return the differences between two studies, in words.

    Args:
        existing: Record of the existing study.
        requested: Record of the study that the user requests.
    """
    reasons = []
    if existing.kind != requested.kind:
        return [f"it is a {existing.kind}, not a {requested.kind}"]
    if existing.data.sha256 != requested.data.sha256:
        names = (
            f"{data.name} (SHA-256 {data.sha256[:12]}…)" for data in (existing.data, requested.data)
        )
        reasons.append("the data were {}, now {}".format(*names))
    was_dropped, now_dropped = (
        data.dropped is not None for data in (existing.data, requested.data)
    )
    if was_dropped != now_dropped:
        reasons.append(
            f"duplicates were {_DROPPED_WORDS[was_dropped]}, now {_DROPPED_WORDS[now_dropped]}"
        )
    was_search, now_search = (asdict(r.search) if r.search else {} for r in (existing, requested))
    for name, was in was_search.items():
        if was != now_search.get(name):
            reasons.append(
                f"{name} was {_format_value(was)}, now {_format_value(now_search.get(name))}"
            )
    if [trial.id for trial in existing.trials] != [trial.id for trial in requested.trials]:
        reasons += _list_plan_differences(existing.trials, requested.trials)
    return reasons


def _list_plan_differences(
    existing: Sequence[PlannedTrial], requested: Sequence[PlannedTrial]
) -> Iterator[str]:
    """Yield the differences between two grids, in words."""
    plans = (existing, requested)
    for label, value_lists in (
        ("configurations", [[trial.configuration for trial in plan] for plan in plans]),
        ("seeds", [[trial.config["seed"] for trial in plan] for plan in plans]),
        ("numbers of folds", [[t.config.get("folds", "none") for t in plan] for plan in plans]),
    ):
        before, now = (_format_value(list(dict.fromkeys(values))) for values in value_lists)
        if before != now:
            yield f"the {label} were {before}, now {now}"
    requested_configs = {_get_replicate(trial): fill_settings(trial.config) for trial in requested}
    config_pairs = [
        (fill_settings(trial.config), requested_configs.get(_get_replicate(trial)))
        for trial in existing
    ]
    for key in config_pairs[0][0]:
        values = [(was[key], now[key]) for was, now in config_pairs if now]
        changed = [(was, now) for was, now in values if was != now]
        if changed and key != "folds":  # named above
            yield f"{key} was {changed[0][0]}, now {changed[0][1]}"


def _get_replicate(trial: PlannedTrial) -> tuple[str, str]:
    return trial.configuration, get_replicate_name(trial.config)


def _format_value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
