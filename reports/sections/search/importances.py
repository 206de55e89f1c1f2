"""Which setting mattered."""

import pandas as pd

from reports import figures
from reports.analysis.importance import MIN_TRIALS
from reports.format.columns import IMPORTANCE_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, label
from reports.format.units import format_count
from reports.sections.elements import ReportFigure, Section, make_caption, make_figure


def make_section(importances: pd.DataFrame, *, data: DataLabel) -> Section:
    """Make a figure and a table; of too few trials, give the reason why there is none.

    Args:
        importances: Frame from `importance.compute_importances`.
        data: Names of the data.
    """
    display_frame = _add_display_columns(importances)
    paragraphs = [
        "How much of the variance of the best macro F1 on val goes with each setting alone "
        "(functional ANOVA, by Optuna), among trials that were trained equally long. What is "
        f"measured at a rung by {format_count(MIN_TRIALS, 'trial')} or more is shown. Importances "
        "are about the trials that were proposed, and a sampler that homes in proposes fewer bad "
        "ones. Intervals are over the trials, drawn again with replacement."
    ]
    if importances.empty:
        paragraphs.append(
            f"Here no rung was reached by {MIN_TRIALS} trials that differ in two settings."
        )
    table_caption = make_caption("Importances of the settings", data)
    return Section(
        key="importances",
        title="Which setting mattered",
        paragraphs=tuple(paragraphs),
        figures=_make_report_figures(display_frame, data),
        tables=()
        if importances.empty
        else (
            make_table(
                "importances",
                table_caption,
                IMPORTANCE_COLUMNS,
                display_frame,
                values=importances,
                folded=True,
            ),
        ),
    )


def _make_report_figures(display_frame: pd.DataFrame, data: DataLabel) -> tuple[ReportFigure, ...]:
    if display_frame.empty:
        return ()
    caption_text = "Importance of each setting, with 90 % intervals, by rung."
    figure = figures.draw_importances(display_frame, data=data)
    return (make_figure("importances", caption_text, figure, data),)


def _add_display_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """With the columns that are words: among which trials, and the setting."""
    group_labels = [
        "All trials"
        if pd.isna(row["optimizer"])
        else f"{label(row['family'])}, {label(row['optimizer'])}"
        for row in frame.to_dict("records")
    ]
    setting_labels = [str(name).replace("_", " ").capitalize() for name in frame["setting"]]
    return frame.assign(trial_group=group_labels, setting_text=setting_labels).sort_values(
        ["trial_group", "rung"], kind="stable"
    )
