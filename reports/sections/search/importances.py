"""Show the importance of each hyper-parameter in a search."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from reports import figures
from reports.analysis.importance import MIN_TRIALS, N_PERMUTATIONS
from reports.format.columns import IMPORTANCE_COLUMNS
from reports.format.table import choose_column_decimals, make_table
from reports.format.text import DataLabel, label
from reports.format.units import format_count, format_number
from reports.sections.elements import ReportFigure, Section, make_figure


def make_section(importances: pd.DataFrame, *, data: DataLabel) -> Section | None:
    """Make a figure and a table.

    Args:
        importances: Frame from `importance.compute_importances`.
        data: Names of the data.

    Returns:
        None if too few trials reached a rung.
    """
    if importances.empty:
        return None
    display_frame = _add_display_columns(importances)
    notes = (
        "The importance of a setting is the share of the variance of the best macro F1 on val that "
        "the setting explains by itself (functional ANOVA). A random forest predicts the macro F1. "
        "The rest of the variance is due to interactions of the settings, and to noise.",
        "Only trials with the same number of epochs are compared, at each rung that at least "
        f"{format_count(MIN_TRIALS, 'trial')} reached. The importances hold for the proposed "
        "trials; a sampler that converges proposes few bad ones. The 90% confidence intervals are "
        "from a bootstrap over trials.",
        "A forest also finds an importance in pure noise. The values were therefore permuted among "
        f"the trials {N_PERMUTATIONS} times. A setting without any effect exceeds the largest of "
        "these importances with a probability of 5%. Smaller importances are not significant.",
    )
    return Section(
        key="importances",
        title="Importance of the hyper-parameters",
        paragraphs=tuple(_describe_outcome(display_frame)),
        notes=notes,
        figures=(_make_report_figure(display_frame, data),),
        tables=(
            make_table(
                "importances",
                "Importance of each setting",
                IMPORTANCE_COLUMNS,
                display_frame,
                values=importances,
                folded=True,
            ),
        ),
    )


def _describe_outcome(display_frame: pd.DataFrame) -> Iterator[str]:
    """Name the most important setting of each group of trials at the last rung."""
    for group, rows in display_frame.groupby("trial_group", sort=False):
        last = rows[rows["rung"] == rows["rung"].max()]
        top = last.loc[last["importance"].idxmax()].to_dict()
        rung_text = format_count(int(top["rung"]), "epoch")
        if not top["importance"] > top["importance_null"]:
            yield f"{group}: no setting has a significant importance after {rung_text}."
            continue
        decimals = choose_column_decimals(display_frame, "importance")
        share = format_number(top["importance"], "percent", decimals=decimals)
        yield (
            f"{group}: {top['setting_text'].lower()} is the most important setting, with {share}% "
            f"of the variance after {rung_text}."
        )


def _make_report_figure(display_frame: pd.DataFrame, data: DataLabel) -> ReportFigure:
    caption_text = (
        "Importance of each setting by rung, with 90% confidence intervals. Gray: importances of a "
        "setting without any effect."
    )
    draw = partial(figures.draw_importances, display_frame, data=data)
    return make_figure("importances", caption_text, draw(), narrow=draw(narrow=True))


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
