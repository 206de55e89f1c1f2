"""Show the importance of each hyper-parameter in a search."""

import pandas as pd

from reports import figures
from reports.analysis.importance import MIN_TRIALS, N_PERMUTATIONS
from reports.format.columns import IMPORTANCE_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, label
from reports.format.units import format_count
from reports.sections.elements import ReportFigure, Section, make_figure


def make_section(importances: pd.DataFrame, *, data: DataLabel) -> Section:
    """Make a figure and a table; with too few trials, explain why there is none.

    Args:
        importances: Frame from `importance.compute_importances`.
        data: Names of the data.
    """
    display_frame = _add_display_columns(importances)
    paragraphs = [
        "The importance of a setting is the share of variance that the setting explains by itself "
        "(functional ANOVA). The rest are interactions of the settings, and noise. The variance is "
        "that of the best macro F1 on val, as a random forest predicts it. Only trials trained for "
        "the same number of epochs are compared, at each rung that at least "
        f"{format_count(MIN_TRIALS, 'trial')} reached. Importances describe the proposed trials; a "
        "sampler that converges proposes fewer bad ones. The 90% confidence intervals are from a "
        "bootstrap over trials.",
        "A forest also finds an importance in pure noise. The values were therefore permuted among "
        f"the trials {N_PERMUTATIONS} times. A setting without any effect exceeds the largest of "
        "these importances with a probability of 5%; smaller importances are not significant.",
    ]
    if importances.empty:
        paragraphs.append(
            f"No rung was reached by {MIN_TRIALS} trials that differ in at least two settings."
        )
    table_caption = "Importance of each setting"
    return Section(
        key="importances",
        title="Importance of the hyper-parameters",
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
    caption_text = (
        "Importance of each setting by rung, with 90% confidence intervals. Gray: importances of a "
        "setting without any effect."
    )
    figure = figures.draw_importances(display_frame, data=data)
    return (make_figure("importances", caption_text, figure),)


def _add_display_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of text: the group of trials and the setting."""
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
