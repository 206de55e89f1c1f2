"""Write the sentences about a search: its winner, the confirmation and its cost, as plain text."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from reports.analysis.search_effort import summarize_effort
from reports.analysis.search_trials import SearchAnalysis, SearchTrialState
from reports.format.text import format_settings, get_baseline_label
from reports.format.units import format_count, format_interval, format_mean_sd, format_number
from reports.sections.verdict_text import format_significance

_END_REASON_TEXTS = {
    "time_budget": "its time budget was used up (--time-budget)",
    "target_macro_f1": "a trial reached the target (--target-macro-f1)",
}


def describe_search(search: SearchAnalysis, pairs: pd.DataFrame) -> Iterator[str]:
    """Yield the summary of a search, one paragraph at a time.

    Args:
        search: Results of the search.
        pairs: Pairs of the confirmed configurations, `PairwiseComparison.pairs`.
    """
    yield _describe_best_trial(search)
    rows = search.confirmed.to_dict("records")
    finished = [row for row in rows if row["seeds"]]
    if any(row["role"] == "best" for row in finished):
        yield _describe_confirmation(finished, get_baseline_label(search.record))
        yield _describe_test_score(search, pairs)
    elif search.confirmation is not None and not rows and search.trials["value"].notna().any():
        yield (
            "No configuration was re-trained. The value comes from one seed and was selected as "
            "the highest of all trials, so it is too high on average."
        )
    elif rows:
        yield (
            "None of the best configurations has finished its confirmation, so they have no test "
            "score."
        )
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
        f"The best of {format_count(len(scored), 'trial')} is {best['configuration']} "
        f"({settings_text}), with a macro F1 of {_format_percent(best['value'])} on val."
    )


def _describe_confirmation(finished: list[dict[Any, Any]], baseline_name: str) -> str:
    """Compare the re-trained winner of the search with the best baseline."""
    best = finished[0]
    name, seeds_text = best["configuration"], format_count(best["seeds"], "new seed")
    sentence = (
        f"Re-trained in full with {seeds_text}, {name} reaches {_format_mean_sd(best, 'val')} "
        f"on val ({_format_shrinkage(best)})."
    )
    baseline = _find_best_baseline(finished)
    if baseline is None:
        return sentence
    if baseline["configuration"] == name:
        return f"{sentence} It is a {baseline_name} configuration: the search found no better one."
    points = format_number(best["val_macro_f1"] - baseline["val_macro_f1"], "points")
    return (
        f"{sentence} {baseline['configuration']}, the best {baseline_name} configuration, reaches "
        f"{_format_mean_sd(baseline, 'val')} with the same seeds: a difference of {points} points."
    )


def _format_shrinkage(row: Mapping[Any, Any]) -> str:
    """Format the shrinkage of a configuration with its confidence interval, if it has one."""
    points, low, high = (row[key] for key in ("shrinkage", "shrinkage_low", "shrinkage_high"))
    if pd.isna(points):
        return "no value in the search"
    size = format_number(abs(points), "points").lstrip("+")
    text = f"a shrinkage of {size} points"
    if points < 0:
        text, low, high = f"{size} points more than in the search", -high, -low
    if pd.isna(low):
        return text
    return f"{text}, 95% confidence interval {format_interval(low, high, 'points')}"


def _describe_test_score(search: SearchAnalysis, pairs: pd.DataFrame) -> str:
    """Compare the winner with the best baseline on test, by the paired test."""
    row_by_name = {row["configuration"]: row for row in search.confirmed.to_dict("records")}
    names = [name for name, row in row_by_name.items() if row["seeds"]]
    baseline = _find_best_baseline([row_by_name[name] for name in names])
    best = names[0]
    best_text = f"On test, {best} has a macro F1 of {_format_mean_sd(row_by_name[best], 'test')}"
    if baseline is None or baseline["configuration"] == best:
        return f"{best_text}."
    baseline_name = str(baseline["configuration"])
    is_pair = pairs["a"].isin([best, baseline_name]) & pairs["b"].isin([best, baseline_name])
    if not is_pair.any():
        return f"{best_text}, and {baseline_name} has {_format_mean_sd(baseline, 'test')}."
    pair = pairs[is_pair].iloc[0]
    sign = 1 if pair["a"] == best else -1
    points = format_number(sign * pair["difference"], "points")
    return (
        f"{best_text}, and {baseline_name} has {_format_mean_sd(baseline, 'test')}. The paired "
        f"difference is {points} points, {format_significance(pair['p_holm'])}."
    )


def _find_best_baseline(rows: list[dict[Any, Any]]) -> Mapping[Any, Any] | None:
    """Return the best re-trained configuration among those that the search started with."""
    baselines = [row for row in rows if row["is_baseline"]]
    return max(baselines, key=lambda row: row["val_macro_f1"], default=None)


def _describe_effort(search: SearchAnalysis) -> str:
    frame = search.trials
    ended = frame[frame["state"].isin([SearchTrialState.COMPLETE, SearchTrialState.PRUNED])]
    if ended.empty:
        return "No trial is complete or pruned by ASHA."
    effort = summarize_effort(ended, search.record.max_epochs)
    text = f"{format_count(len(ended), 'trial')} took {format_count(effort.epochs, 'epoch')}"
    if effort.epochs == effort.full_epochs:
        return f"{text}; every trial ran in full."
    full_text = f"{effort.full_epochs:,}, {effort.speedup:.1f} times as many"
    return f"{text}; without ASHA they would have taken {full_text}."


def _list_caveats(search: SearchAnalysis) -> Iterator[str]:
    """Yield what did not go as planned."""
    record, confirmation, counts = (
        search.record,
        search.confirmation,
        search.trials["state"].value_counts(),
    )
    if confirmation is None:
        yield (
            f"The search has not finished: {len(search.trials)} of {record.n_trials} trials were "
            "proposed, and no configuration has been re-trained."
        )
    elif confirmation.ended_by != "trials":
        proposed = f"{len(search.trials)} of {format_count(record.n_trials, 'trial')}"
        reason = _END_REASON_TEXTS[confirmation.ended_by]
        yield f"The search ended after {proposed} because {reason}."
    lost_counts = [
        f"{counts[state]} {state}"
        for state in (SearchTrialState.DIVERGED, SearchTrialState.FAILED)
        if state in counts
    ]
    if lost_counts:
        lost_text = " and ".join(lost_counts)
        yield f"Trials without a value: {lost_text}; see “All trials of the search”."


def describe_repeatability(search: SearchAnalysis) -> str:
    """Say whether the same seed would propose the same trials."""
    confirmation = search.confirmation
    if confirmation is not None and confirmation.concurrency == 1:
        return (
            "One trial ran at a time, so the same seed proposes the same trials on the same "
            "hardware."
        )
    concurrency_text = (
        "Several trials ran in parallel"
        if confirmation is None
        else f"{confirmation.concurrency} trials ran in parallel"
    )
    return (
        f"{concurrency_text}. The order in which they end decides what is proposed next and what "
        "ASHA compares, so the same seed may propose other trials. Every proposal is stored; "
        "“bloodstudy replay” re-trains any of them."
    )


def _format_percent(value: float) -> str:
    return f"{format_number(value, 'percent')}%"


def _format_mean_sd(row: Mapping[Any, Any], split: str) -> str:
    """Format the macro F1 of a re-trained configuration on a split."""
    mean, sd = row[f"{split}_macro_f1"], row[f"{split}_macro_f1_sd"]
    return _format_percent(mean) if pd.isna(sd) else f"{format_mean_sd(mean, sd, 'percent')}%"
