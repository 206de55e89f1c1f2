"""Show the history and effort of a search, and compare it with a random order."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from reports import figures
from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import SEARCH_EFFORT_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, get_baseline_label
from reports.sections.elements import ReportFigure, Section, make_figure

_STRETCHED_AXIS_NOTE = "The axis is stretched toward 100%."


def make_section(
    search: SearchAnalysis,
    *,
    effort: pd.DataFrame,
    expected_best: pd.DataFrame,
    data: DataLabel,
) -> Section | None:
    """Make figures of the history and of the expected best, and a table of the effort.

    Args:
        search: Results of the search.
        effort: Frame from `search_effort.make_effort_frame`.
        expected_best: Frame from `search_effort.compute_expected_best`.
        data: Names of the data.

    Returns:
        None before the first trial.
    """
    if search.trials.empty:
        return None
    return Section(
        key="search-history",
        title="Search history",
        paragraphs=tuple(_describe_outcome(search)),
        notes=tuple(_explain_method(search)),
        tables=(make_table("effort", "Effort of the search", SEARCH_EFFORT_COLUMNS, effort),),
        figures=tuple(_make_report_figures(search, expected_best, data)),
    )


def _describe_outcome(search: SearchAnalysis) -> Iterator[str]:
    """Say when the search found its best trial; yield nothing before the first value."""
    values = search.trials.set_index("configuration")["value"].dropna()
    if not values.empty:
        name = str(values.idxmax())
        rank = search.trials["configuration"].tolist().index(name) + 1
        yield (
            f"The best trial is {name}, number {rank:,} of {len(search.trials):,} in the order of "
            "the proposals."
        )


def _make_report_figures(
    search: SearchAnalysis, expected_best: pd.DataFrame, data: DataLabel
) -> Iterator[ReportFigure]:
    trials_with_value = search.trials[search.trials["value"].notna()]
    if trials_with_value.empty:
        return
    draw_history = partial(figures.draw_history, search.trials, data=data)
    yield make_figure(
        "search-history",
        "Best macro F1 on val of every trial in the order of the proposals, and the best so far. "
        "A pruned trial has the value it had reached when ASHA stopped it. "
        f"{_STRETCHED_AXIS_NOTE}",
        draw_history(),
        narrow=draw_history(narrow=True),
    )
    if len(trials_with_value) > 1:
        draw_expected = partial(
            figures.draw_expected_best, expected_best, trials_with_value, data=data
        )
        yield make_figure(
            "expected-best",
            "Best value so far in the search, and in random orders of its trials (mean and 5% to "
            f"95% quantiles). {_STRETCHED_AXIS_NOTE}",
            draw_expected(),
            narrow=draw_expected(narrow=True),
        )


def _explain_method(search: SearchAnalysis) -> Iterator[str]:
    record = search.record
    yield (
        f"Optuna's sampler ({record.sampler}) proposed the trials. Every trial was trained with "
        f"seed {record.seed} for at most {record.max_epochs} epochs. The value of a trial is its "
        "best macro F1 on val."
    )
    if search.trials["value"].notna().sum() > 1:
        yield (
            "The gray band shows how soon the same trials in random order would have found the "
            "best one. The search is above the band early on if the "
            f"{get_baseline_label(record)} configurations, which run first, are good. It is below "
            "the band if the sampler finds its best trials late."
        )
    yield _describe_repeatability(search)


def _describe_repeatability(search: SearchAnalysis) -> str:
    """Say whether the same seed would propose the same trials."""
    confirmation = search.confirmation
    if confirmation is not None and confirmation.concurrency == 1:
        return (
            "One trial ran at a time, so the same seed proposes the same trials on the same "
            "hardware."
        )
    n_text = "Several" if confirmation is None else str(confirmation.concurrency)
    return (
        f"{n_text} trials ran in parallel. The order in which they end affects the next proposals "
        "and what ASHA compares, so the same seed may propose other trials. Every proposal is "
        "stored, and “bloodstudy replay” re-trains any of them."
    )
