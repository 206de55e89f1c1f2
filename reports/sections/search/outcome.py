"""Show the outcome of a search: the best configuration, its scores, the effort and a command."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.search_effort import summarize_effort
from reports.analysis.search_trials import SearchAnalysis, SearchTrialState
from reports.format.table import choose_column_decimals
from reports.format.text import format_settings, get_baseline_label
from reports.format.units import (
    BLANK,
    format_count,
    format_interval,
    format_mean,
    format_number,
)
from reports.ledger.lookup import get_trial_name
from reports.ledger.records import StudyRecord
from reports.ledger.states import EndReason, TrialState
from reports.sections.elements import CodeBlock, Section
from reports.sections.search.confirmation import find_best_baseline, find_best_retrained
from reports.sections.verdict_text import format_significance

_END_REASON_TEXTS = {
    EndReason.TIME_BUDGET: "ended by its time budget (--time-budget)",
    EndReason.TARGET_MACRO_F1: "ended because a trial reached the target (--target-macro-f1)",
}

_RETRAINED_NOTE = (
    "The best configuration has the highest macro F1 on val after re-training with new seeds. Its "
    "value in the search was selected as the highest of all trials, so it is too high on average. "
    "Quote the value on test."
)


def make_section(
    *,
    search: SearchAnalysis,
    expected_best: pd.DataFrame,
    comparison: pd.DataFrame,
    pairs: pd.DataFrame,
    trials: pd.DataFrame,
    study: StudyRecord,
    warnings: Sequence[str],
) -> Section:
    """Give the result in one paragraph, its numbers, and the command to re-train it.

    Args:
        search: Results of the search.
        expected_best: Frame from `search_effort.compute_expected_best`.
        comparison: Frame from `frames.make_comparison_frame` for the re-trained configurations.
        pairs: Pairs of the re-trained configurations, `PairwiseComparison.pairs`.
        trials: Frame from `frames.make_trials_frame`.
        study: Record of the study.
        warnings: Paragraphs from `verdict_text.list_warnings`.
    """
    best = find_best_retrained(search.confirmed)
    decimals = choose_column_decimals(comparison, "test_macro_f1")
    random_search = _describe_random_search(search, expected_best, decimals)
    best_trial = _find_best_trial(search)
    if best is None:
        paragraph, scores = (
            _describe_unconfirmed(search, best_trial),
            _list_val_score(best_trial, search),
        )
    else:
        paragraph = _describe_best(best, search, pairs, decimals)
        scores = _list_scores(best, search, comparison, decimals)
    return Section(
        key="summary",
        title="Outcome",
        paragraphs=(paragraph, *warnings),
        facts=(*scores, *_list_effort(search), *([random_search] if random_search else [])),
        notes=tuple(_make_notes(is_retrained=best is not None, has_random=bool(random_search))),
        code_blocks=tuple(_make_command(best, best_trial, trials, study)),
    )


def _find_best_trial(search: SearchAnalysis) -> Mapping[Any, Any] | None:
    """Return the trial with the highest value; None before the first value."""
    scored = search.trials[search.trials["value"].notna()].to_dict("records")
    return max(scored, key=lambda row: row["value"], default=None)


def _describe_best(
    best: Mapping[Any, Any], search: SearchAnalysis, pairs: pd.DataFrame, decimals: int
) -> str:
    """Name the best re-trained configuration and compare it with the best baseline on test."""
    name, baseline_label = best["configuration"], get_baseline_label(search.record)
    score = _format_score(best, "test", decimals)
    sentence = (
        f"The best configuration is {name}. Re-trained with "
        f"{format_count(best['replicates'], 'new seed')}, it has a macro F1 of {score} on test."
    )
    baseline = find_best_baseline(search.confirmed)
    if best["is_baseline"]:
        return f"{sentence} It is a {baseline_label} configuration: the search found no better one."
    if baseline is None:
        return sentence
    other = str(baseline["configuration"])
    is_pair = pairs["a"].isin([name, other]) & pairs["b"].isin([name, other])
    text = f"{other}, the best {baseline_label} configuration, has"
    text = f"{sentence} {text} {_format_score(baseline, 'test', decimals)}"
    if not is_pair.any():
        return f"{text}."
    pair = pairs[is_pair].iloc[0]
    points = format_number(
        pair["difference"] * (1 if pair["a"] == name else -1), "points", decimals=decimals
    )
    return f"{text}: a difference of {points} points, {format_significance(pair['p_holm'])}."


def _describe_unconfirmed(search: SearchAnalysis, best: Mapping[Any, Any] | None) -> str:
    """Name the best trial of a search whose best configurations have no test score."""
    if best is None:
        return "No trial of this search has a value yet."
    reason = "the re-training has not finished"
    if search.confirmation is None:
        reason = "the search has not finished"
    elif search.confirmed.empty:
        reason = "no configuration was re-trained"
    return (
        f"The best trial is {best['configuration']}. It has no test score, because {reason}. Its "
        "value on val was selected as the highest of all trials, so it is too high on average."
    )


def _list_val_score(
    best: Mapping[Any, Any] | None, search: SearchAnalysis
) -> list[tuple[str, str]]:
    if best is None:
        return []
    value = format_number(best["value"], "percent")
    return [
        ("Best configuration", _name_with_settings(best, search)),
        ("Macro F1 on val", f"{value}% in the search, with one seed"),
    ]


def _list_scores(
    best: Mapping[Any, Any], search: SearchAnalysis, comparison: pd.DataFrame, decimals: int
) -> list[tuple[str, str]]:
    (row,) = comparison[comparison["configuration"] == best["configuration"]].to_dict("records")
    ends = row["test_macro_f1_low"], row["test_macro_f1_high"]
    interval = format_interval(*ends, "percent", decimals=decimals)
    test_text = _format_score(best, "test", decimals)
    if interval != BLANK:
        test_text += f", 95% confidence interval {interval}"
    val_text = f"{_format_score(best, 'val', decimals)} with new seeds"
    if not pd.isna(best["value"]):
        value = format_number(best["value"], "percent", decimals=decimals)
        val_text += f"; {value}% in the search"
    return [
        ("Best configuration", _name_with_settings(best, search)),
        ("Macro F1 on test", test_text),
        ("Macro F1 on val", val_text),
    ]


def _name_with_settings(row: Mapping[Any, Any], search: SearchAnalysis) -> str:
    origin = f"{get_baseline_label(search.record)}; " if row["is_baseline"] else ""
    return f"{row['configuration']} ({origin}{format_settings(row)})"


def _list_effort(search: SearchAnalysis) -> Iterator[tuple[str, str]]:
    """Yield the number of trials by state, and the epochs of the budget that they used."""
    record, counts = search.record, search.trials["state"].value_counts()
    states = ", ".join(f"{counts[state]} {state}" for state in SearchTrialState if state in counts)
    text = f"{len(search.trials):,} of {record.n_trials:,}{f': {states}' if states else ''}"
    if search.confirmation is not None and search.confirmation.ended_by in _END_REASON_TEXTS:
        text += f"; {_END_REASON_TEXTS[search.confirmation.ended_by]}"
    yield "Trials", text
    epochs = summarize_effort(search.trials, record.max_epochs).epochs
    yield "Epochs", f"{epochs:,} of at most {record.n_trials * record.max_epochs:,}"


def _describe_random_search(
    search: SearchAnalysis, expected_best: pd.DataFrame, decimals: int
) -> tuple[str, str] | None:
    """Say what random search is expected to reach in as many epochs, without pruning.

    Returns:
        None if that is not one trial, or if it is all trials: their best is then the same.
    """
    epochs = summarize_effort(search.trials, search.record.max_epochs).epochs
    n_full_trials = epochs // search.record.max_epochs
    if not 1 <= n_full_trials < len(expected_best):
        return None
    expected = expected_best.set_index("trials").loc[n_full_trials, "expected"]
    score = format_number(expected, "percent", decimals=decimals)
    trials_text = format_count(n_full_trials, "full trial")
    return "Random search", f"at least {score}% on val expected with as many epochs ({trials_text})"


def _make_notes(*, is_retrained: bool, has_random: bool) -> Iterator[str]:
    if is_retrained:
        yield _RETRAINED_NOTE
    if has_random:
        yield (
            "Random search trains every trial in full, so it has fewer trials in as many epochs. "
            "Its expected value is that of the best of so many trials, picked at random from the "
            "trials of this search. A pruned trial counts with the value it had when it was "
            "stopped, so the expected value is a lower bound."
        )


def _make_command(
    best: Mapping[Any, Any] | None,
    best_trial: Mapping[Any, Any] | None,
    trials: pd.DataFrame,
    study: StudyRecord,
) -> Iterator[CodeBlock]:
    """Yield the command that re-trains the best configuration; none before the first value."""
    if best is not None:
        is_best = trials["configuration"] == best["configuration"]
        ids = trials.loc[is_best & (trials["state"] == TrialState.COMPLETE), "id"]
    elif best_trial is not None:
        ids = pd.Series([best_trial["id"]])
    else:
        return
    arguments = [study.name, get_trial_name(str(ids.iloc[0]))]
    yield CodeBlock(
        title="Re-train it, and compare the result with the stored one",
        text=shlex.join(
            ["bloodstudy", "replay", *arguments, *_list_storage_arguments(study.command)]
        ),
    )


def _list_storage_arguments(command: Sequence[str]) -> list[str]:
    """Return `--storage` and its value from the command of a study, if it has them."""
    for option, value in zip(command, (*command[1:], ""), strict=True):
        if option == "--storage":
            return [option, value]
        if option.startswith("--storage="):
            return [option]
    return []


def _format_score(row: Mapping[Any, Any], split: str, decimals: int) -> str:
    """Format the macro F1 of a re-trained configuration on a split."""
    mean, sd = row[f"{split}_macro_f1"], row[f"{split}_macro_f1_sd"]
    return f"{format_mean(mean, sd, 'percent', decimals=decimals)}%"
