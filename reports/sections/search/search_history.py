"""Show the history and effort of a search, and compare it with a random order."""

import pandas as pd

from reports import figures
from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import SEARCH_EFFORT_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, get_baseline_label
from reports.sections.elements import ReportFigure, Section, make_figure
from reports.sections.search_text import describe_repeatability

_STRETCHED_AXIS_NOTE = "The axis is stretched toward 100%."


def make_section(
    search: SearchAnalysis,
    *,
    effort: pd.DataFrame,
    expected_best: pd.DataFrame,
    data: DataLabel,
) -> Section:
    """Make figures of the history and of the expected best, and a table of the effort.

    Args:
        search: Results of the search.
        effort: Frame from `search_effort.make_effort_frame`.
        expected_best: Frame from `search_effort.compute_expected_best`.
        data: Names of the data.
    """
    return Section(
        key="search-history",
        title="Search history",
        paragraphs=(_make_paragraph(search), describe_repeatability(search)),
        tables=(make_table("effort", "Effort of the search", SEARCH_EFFORT_COLUMNS, effort),),
        figures=tuple(_make_report_figures(search, expected_best, data)),
    )


def _make_report_figures(
    search: SearchAnalysis, expected_best: pd.DataFrame, data: DataLabel
) -> list[ReportFigure]:
    trials_with_value = search.trials[search.trials["value"].notna()]
    if trials_with_value.empty:
        return []
    history_text = (
        "Best macro F1 on val of every trial in the order of the proposals, and the best so far. "
        "A pruned trial has the value it had reached when ASHA stopped it. "
        f"{_STRETCHED_AXIS_NOTE}"
    )
    report_figures = [
        make_figure("search-history", history_text, figures.draw_history(search.trials, data=data))
    ]
    if len(trials_with_value) > 1:
        caption_text = (
            "Best value so far in the search, and in random orders of its trials (mean and 5% to "
            f"95% quantiles). {_STRETCHED_AXIS_NOTE}"
        )
        figure = figures.draw_expected_best(expected_best, trials_with_value, data=data)
        report_figures.append(make_figure("expected-best", caption_text, figure))
    return report_figures


def _make_paragraph(search: SearchAnalysis) -> str:
    record = search.record
    paragraph = (
        f"Optuna's sampler ({record.sampler}) proposed the trials. Every trial was trained with "
        f"seed {record.seed} for at most {record.max_epochs} epochs. The value of a trial is its "
        "best macro F1 on val."
    )
    if len(search.trials) > 1:
        paragraph += (
            " The gray band below shows how soon the same trials in random order would have found "
            "the best one. It depends on these trials only. The search lies above the band early "
            f"on if the {get_baseline_label(record)} configurations, which run first, are good. It "
            "lies below if the sampler learns and finds its best trials late."
        )
    return paragraph
