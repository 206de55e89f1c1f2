"""The sentences about a search: what won, whether it holds, what it cost. Plain text."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from reports.analysis.search_effort import summarize_effort
from reports.analysis.search_trials import SearchAnalysis, SearchTrialState
from reports.format.text import format_settings, get_baseline_label
from reports.format.units import format_count, format_interval, format_mean_sd, format_number

_END_REASON_TEXTS = {
    "time_budget": "its time was over (--time-budget)",
    "target_macro_f1": "a trial had reached the target (--target-macro-f1)",
}


def describe_search(search: SearchAnalysis, pairs: pd.DataFrame) -> Iterator[str]:
    """Say what a reader who reads nothing else should know of a search.

    Args:
        search: What the search found.
        pairs: Pairs of the confirmed configurations, `PairwiseComparison.pairs`.
    """
    yield _describe_best_trial(search)
    rows = search.confirmed.to_dict("records")
    finished = [row for row in rows if row["seeds"]]
    if any(row["role"] == "best" for row in finished):
        yield _describe_confirmation(finished, get_baseline_label(search.record))
        yield _describe_test_score(search, pairs)
    elif search.confirmation is not None and not rows and search.trials["value"].notna().any():
        yield "Nothing was confirmed, so the value is of one seed and picked as the highest of all."
    elif rows:
        yield "None of the best has finished its confirmation: nothing is known of it on test."
    yield _describe_effort(search)
    yield from _list_caveats(search)


def _describe_best_trial(search: SearchAnalysis) -> str:
    frame = search.trials
    scored = frame[frame["value"].notna()]
    if scored.empty:
        return "No trial of this search has a value yet: there is nothing to compare."
    best = max(scored.to_dict("records"), key=lambda row: row["value"])
    baseline_name = get_baseline_label(search.record)
    settings_text = (
        f"a {baseline_name} configuration" if best["is_baseline"] else format_settings(best)
    )
    return (
        f"The highest macro F1 on val in this search is {_format_percent(best['value'])}, of "
        f"{best['configuration']} ({settings_text}), the best of "
        f"{format_count(len(scored), 'trial')}."
    )


def _describe_confirmation(finished: list[dict[Any, Any]], baseline_name: str) -> str:
    """The first of the best again, with other seeds, beside the one to beat."""
    best = finished[0]
    name, seeds_text = best["configuration"], format_count(best["seeds"], "other seed")
    sentence = (
        f"Trained again in full with {seeds_text}, {name} reaches {_format_mean_sd(best, 'val')} "
        f"on val, {_format_shrinkage(best['shrinkage'])}."
    )
    baseline = _find_best_baseline(finished)
    if baseline is None:
        return sentence
    if baseline["configuration"] == name:
        return (
            f"{sentence} It is a {baseline_name} configuration: the search found none that is "
            "better."
        )
    points = format_number(best["val_macro_f1"] - baseline["val_macro_f1"], "points")
    return (
        f"{sentence} {baseline['configuration']}, the best {baseline_name} configuration, reaches "
        f"{_format_mean_sd(baseline, 'val')} with the same seeds: a difference of {points} points."
    )


def _format_shrinkage(points: float) -> str:
    if pd.isna(points):
        return "and in the search it had no value"
    size = format_number(abs(points), "points").lstrip("+")
    return (
        f"{size} points more than in the search" if points < 0 else f"a shrinkage of {size} points"
    )


def _describe_test_score(search: SearchAnalysis, pairs: pd.DataFrame) -> str:
    """The winner of the search against the published configuration, by the paired test."""
    row_by_name = {row["configuration"]: row for row in search.confirmed.to_dict("records")}
    names = [name for name, row in row_by_name.items() if row["seeds"]]
    baseline = _find_best_baseline([row_by_name[name] for name in names])
    best = names[0]
    best_text = f"On test {best} has {_format_mean_sd(row_by_name[best], 'test')}"
    if baseline is None or baseline["configuration"] == best:
        return f"{best_text}."
    baseline_name = str(baseline["configuration"])
    is_pair = pairs["a"].isin([best, baseline_name]) & pairs["b"].isin([best, baseline_name])
    if not is_pair.any():
        return f"{best_text}, {baseline_name} {_format_mean_sd(baseline, 'test')}."
    pair = pairs[is_pair].iloc[0]
    sign = 1 if pair["a"] == best else -1
    bounds = (sign * pair["low"], sign * pair["high"])
    significance = "beyond chance" if pair["significant"] else "a difference that can be chance"
    points = format_number(sign * pair["difference"], "points")
    interval_text = format_interval(min(bounds), max(bounds), "points")
    return (
        f"{best_text}, {baseline_name} {_format_mean_sd(baseline, 'test')}: {points} points "
        f"{interval_text}, {significance}."
    )


def _find_best_baseline(rows: list[dict[Any, Any]]) -> Mapping[Any, Any] | None:
    """The best of those that were confirmed and that the search began with."""
    baselines = [row for row in rows if row["is_baseline"]]
    return max(baselines, key=lambda row: row["val_macro_f1"], default=None)


def _describe_effort(search: SearchAnalysis) -> str:
    frame = search.trials
    ended = frame[frame["state"].isin([SearchTrialState.COMPLETE, SearchTrialState.PRUNED])]
    if ended.empty:
        return "No trial ended in full or by ASHA."
    effort = summarize_effort(ended, search.record.max_epochs)
    text = f"{format_count(len(ended), 'trial')} took {format_count(effort.epochs, 'epoch')}"
    if effort.epochs == effort.full_epochs:
        return f"{text}, all in full."
    full_text = f"{effort.full_epochs:,}, {effort.speedup:.1f} times as many"
    return f"{text}; without ASHA they would have taken {full_text}."


def _list_caveats(search: SearchAnalysis) -> Iterator[str]:
    """What did not go as planned, and what the seed does not decide."""
    record, confirmation, counts = (
        search.record,
        search.confirmation,
        search.trials["state"].value_counts(),
    )
    if confirmation is None:
        yield (
            f"The search has not ended: {len(search.trials)} of {record.n_trials} trials were "
            "proposed, and nothing is confirmed."
        )
    elif confirmation.ended_by != "trials":
        proposed = f"{len(search.trials)} of {format_count(record.n_trials, 'trial')}"
        yield f"It ended after {proposed}, as {_END_REASON_TEXTS[confirmation.ended_by]}."
    lost_counts = [
        f"{counts[state]} {state}"
        for state in (SearchTrialState.DIVERGED, SearchTrialState.FAILED)
        if state in counts
    ]
    if lost_counts:
        yield f"Without a value: {' and '.join(lost_counts)}; see “All trials of the search”."


def describe_repeatability(search: SearchAnalysis) -> str:
    """Whether the same seed would propose the same trials."""
    confirmation = search.confirmation
    if confirmation is not None and confirmation.concurrency == 1:
        return (
            "One trial ran at a time, so the same seed proposes the same trials on the same "
            "machine."
        )
    concurrency_text = (
        "Several trials ran at once"
        if confirmation is None
        else f"{confirmation.concurrency} trials ran at once"
    )
    return (
        f"{concurrency_text}: which of them ends first decides what is proposed next and what ASHA "
        "compares, so the same seed need not propose the same trials. Every proposal is kept; "
        "“bloodstudy replay” trains any of them again."
    )


def _format_percent(value: float) -> str:
    return f"{format_number(value, 'percent')} %"


def _format_mean_sd(row: Mapping[Any, Any], split: str) -> str:
    """The macro F1 on a split of a configuration of the confirmation."""
    mean, sd = row[f"{split}_macro_f1"], row[f"{split}_macro_f1_sd"]
    return _format_percent(mean) if pd.isna(sd) else f"{format_mean_sd(mean, sd, 'percent')} %"
