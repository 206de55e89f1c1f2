"""How a search went: its history, its effort, and what chance would have done."""

import pandas as pd

from reports import figures
from reports.analysis import search_trials
from reports.format.columns import SEARCH_EFFORT_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, get_baseline_label
from reports.sections.elements import ReportFigure, Section, make_caption, make_figure
from reports.sections.findings import Analysis, SearchAnalysis
from reports.sections.search_text import describe_repeatability

_STRETCHED_AXIS_NOTE = "The axis is stretched towards 100 %."


def make_section(analysis: Analysis) -> Section | None:
    """Figures of the history and of the expected best, a table of the effort."""
    search, data = analysis.search, analysis.data
    if search is None:
        return None
    frame = _summarize_effort(search)
    return Section(
        key="search",
        title="The search, trial by trial",
        paragraphs=(_make_paragraph(search), describe_repeatability(search)),
        tables=(
            make_table(
                "effort", make_caption("Effort of the search", data), SEARCH_EFFORT_COLUMNS, frame
            ),
        ),
        figures=tuple(_make_report_figures(search, data)),
    )


def _make_report_figures(search: SearchAnalysis, data: DataLabel) -> list[ReportFigure]:
    trials_with_value = search.trials[search.trials["value"].notna()]
    if trials_with_value.empty:
        return []
    history_text = (
        "The best macro F1 on val of every trial, in the order of the proposals, and the best so "
        "far. A pruned trial shows what it had reached when ASHA stopped it. "
        f"{_STRETCHED_AXIS_NOTE}"
    )
    report_figures = [
        make_figure("history", history_text, figures.draw_history(search.trials, data=data), data)
    ]
    if len(trials_with_value) > 1:
        expected = search_trials.compute_expected_best(trials_with_value["value"].to_numpy())
        caption_text = (
            "The best of as many trials picked at random from this search's own, mean and 5 to "
            f"95 %, and the search in its own order. {_STRETCHED_AXIS_NOTE}"
        )
        figure = figures.draw_expected_best(expected, trials_with_value, data=data)
        report_figures.append(make_figure("expected-best", caption_text, figure, data))
    return report_figures


def _make_paragraph(search: SearchAnalysis) -> str:
    record = search.record
    paragraph = (
        f"Optuna's sampler ({record.sampler}) proposed; every trial trained with seed "
        f"{record.seed} for at most {record.max_epochs} epochs. The value of a trial is its best "
        "macro F1 on val."
    )
    if len(search.trials) > 1:
        paragraph += (
            " The grey band below shows how soon the best would have come if the same trials had "
            f"run in random order. It knows only these trials: the {get_baseline_label(record)} "
            "configurations ran first, which lifts the search above it, and a sampler that learns "
            "has its better trials later, which presses it below."
        )
    return paragraph


def _summarize_effort(search: SearchAnalysis) -> pd.DataFrame:
    """A row a state, and one for all that ended."""
    frame, max_epochs = search.trials, search.record.max_epochs
    rows = []
    for state in ("all that ended", *search_trials.SearchTrialState):
        has_state = isinstance(state, search_trials.SearchTrialState)
        state_trials = frame[frame["state"] == state] if has_state else frame
        if state_trials.empty:
            continue
        effort = search_trials.summarize_effort(state_trials, max_epochs)
        duration_min = state_trials["duration_s"].sum() / 60
        if not effort["trials"]:  # running, or unreadable: nothing is known
            effort |= {
                "trials": len(state_trials),
                "epochs": float("nan"),
                "full_epochs": float("nan"),
            }
            duration_min = float("nan")
        rows.append({"state": state, **effort, "duration_min": duration_min})
    columns = ["state", "trials", "epochs", "full_epochs", "speedup", "duration_min"]
    return pd.DataFrame(rows, columns=columns)
