"""The sentences about a search: what won, whether it holds, what it cost. Plain text."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from reports.analysis import search_trials
from reports.format.text import known_as, settings
from reports.format.units import interval, number, plural, with_spread
from reports.sections.findings import Findings, Searched

_ENDS = {
    "time_budget": "its time was over (--time-budget)",
    "target_f1": "a trial had reached the target (--target-f1)",
}


def outcome(found: Findings, search: Searched) -> Iterator[str]:
    """What a reader who reads nothing else should know of a search."""
    yield _found(search)
    rows = search.confirmed.to_dict("records")
    done = [row for row in rows if row["seeds"]]
    if any(row["role"] == "best" for row in done):
        yield _confirmed(done, known_as(search.record))
        yield _on_test(found, search)
    elif search.end is not None and not rows and search.trials["value"].notna().any():
        yield "Nothing was confirmed, so the value is of one seed and picked as the highest of all."
    elif rows:
        yield "None of the best has finished its confirmation: nothing is known of it on test."
    yield _cost(search)
    yield from _reservations(search)


def _found(search: Searched) -> str:
    frame = search.trials
    valued = frame[frame["value"].notna()]
    if valued.empty:
        return "No trial of this search has a value yet: there is nothing to compare."
    best = max(valued.to_dict("records"), key=lambda row: row["value"])
    kind = known_as(search.record)
    what = f"a {kind} configuration" if best["start"] else settings(best)
    return (
        f"The highest macro F1 on val in this search is {_percent(best['value'])}, of "
        f"{best['configuration']} ({what}), the best of {plural(len(valued), 'trial')}."
    )


def _confirmed(done: list[dict[Any, Any]], kind: str) -> str:
    """The first of the best again, with other seeds, beside the one to beat."""
    best = done[0]
    name, again = best["configuration"], plural(best["seeds"], "other seed")
    said = (
        f"Trained again in full with {again}, {name} reaches {_spread(best, 'val')} on val, "
        f"{_shrinkage(best['shrinkage'])}."
    )
    baseline = _baseline(done)
    if baseline is None:
        return said
    if baseline["configuration"] == name:
        return f"{said} It is a {kind} configuration: the search found none that is better."
    points = number(best["val"] - baseline["val"], "points")
    return (
        f"{said} {baseline['configuration']}, the best {kind} configuration, reaches "
        f"{_spread(baseline, 'val')} with the same seeds: a difference of {points} points."
    )


def _shrinkage(points: float) -> str:
    if pd.isna(points):
        return "and in the search it had no value"
    size = number(abs(points), "points").lstrip("+")
    return (
        f"{size} points more than in the search" if points < 0 else f"a shrinkage of {size} points"
    )


def _on_test(found: Findings, search: Searched) -> str:
    """The winner of the search against the published configuration, by the paired test."""
    scored = {row["configuration"]: row for row in search.confirmed.to_dict("records")}
    names = [name for name, row in scored.items() if row["seeds"]]
    baseline = _baseline([scored[name] for name in names])
    best = names[0]
    mine = f"On test {best} has {_spread(scored[best], 'test')}"
    if baseline is None or baseline["configuration"] == best:
        return f"{mine}."
    other = str(baseline["configuration"])
    pairs = found.pairs
    either = pairs["a"].isin([best, other]) & pairs["b"].isin([best, other])
    if not either.any():
        return f"{mine}, {other} {_spread(baseline, 'test')}."
    pair = pairs[either].iloc[0]
    sign = 1 if pair["a"] == best else -1
    ends = (sign * pair["low"], sign * pair["high"])
    apart = "beyond chance" if pair["separated"] else "a difference that can be chance"
    points = number(sign * pair["difference"], "points")
    within = interval(min(ends), max(ends), "points")
    return f"{mine}, {other} {_spread(baseline, 'test')}: {points} points {within}, {apart}."


def _baseline(rows: list[dict[Any, Any]]) -> Mapping[Any, Any] | None:
    """The best of those that were confirmed and that the search began with."""
    known = [row for row in rows if row["start"]]
    return max(known, key=lambda row: row["val"], default=None)


def _cost(search: Searched) -> str:
    frame = search.trials
    judged = frame[frame["state"].isin(["complete", "pruned"])]
    if judged.empty:
        return "No trial ended in full or by ASHA."
    spent = search_trials.effort(judged, search.record.max_epochs)
    words = f"{plural(len(judged), 'trial')} took {plural(int(spent['epochs']), 'epoch')}"
    if spent["epochs"] == spent["full"]:
        return f"{words}, all in full."
    more = f"{int(spent['full']):,}, {spent['factor']:.1f} times as many"
    return f"{words}; without ASHA they would have taken {more}."


def _reservations(search: Searched) -> Iterator[str]:
    """What did not go as planned, and what the seed does not decide."""
    record, end, counts = search.record, search.end, search.trials["state"].value_counts()
    if end is None:
        yield (
            f"The search has not ended: {len(search.trials)} of {record.trials} trials were "
            "proposed, and nothing is confirmed."
        )
    elif end.ended_by != "trials":
        proposed = f"{len(search.trials)} of {plural(record.trials, 'trial')}"
        yield f"It ended after {proposed}, as {_ENDS[end.ended_by]}."
    lost = [f"{counts[state]} {state}" for state in ("diverged", "failed") if state in counts]
    if lost:
        yield f"Without a value: {' and '.join(lost)}; see “All trials of the search”."


def repeatable(search: Searched) -> str:
    """Whether the same seed would propose the same trials."""
    end = search.end
    if end is not None and end.at_once == 1:
        return (
            "One trial ran at a time, so the same seed proposes the same trials on the same "
            "machine."
        )
    at_once = "Several trials ran at once" if end is None else f"{end.at_once} trials ran at once"
    return (
        f"{at_once}: which of them ends first decides what is proposed next and what ASHA "
        "compares, so the same seed need not propose the same trials. Every proposal is kept; "
        "“bloodstudy replay” trains any of them again."
    )


def _percent(value: float) -> str:
    return f"{number(value, 'percent')} %"


def _spread(row: Mapping[Any, Any], split: str) -> str:
    if pd.isna(row[f"{split}_sd"]):
        return _percent(row[split])
    return with_spread(row[split], row[f"{split}_sd"], "percent") + " %"
