"""Show the losses on train and val, and macro F1 on val, by epoch."""

from functools import partial

import pandas as pd

from reports import figures
from reports.analysis.learning_curves import LearningCurves
from reports.figures.curves import MAX_CURVES, MIN_REPLICATES_FOR_BAND
from reports.format.text import label
from reports.sections.context import ReportContext
from reports.sections.elements import ReportFigure, Section, make_figure, make_slug


def make_section(
    curves: LearningCurves,
    *,
    has_equivalent_losses: bool,
    has_class_weights: bool,
    context: ReportContext,
) -> Section | None:
    """Make a figure for each family; None without a complete trial.

    Args:
        curves: Learning curves of the trials.
        has_equivalent_losses: Whether some configurations differ only in the loss.
        has_class_weights: Whether some configurations were trained with class weights.
        context: Labels.
    """
    frame = context.select_displayed(curves.epochs)
    if frame.empty:
        return None
    means = context.select_displayed(curves.means)
    title = (
        "Learning curves of the re-trained configurations"
        if context.is_search
        else "Learning curves"
    )
    note = (
        "The loss on train is the mean over an epoch, with dropout active; the loss on val is "
        "without dropout. A loss on val that rises while the loss on train falls is overfitting."
    )
    if has_class_weights:
        note += " Class weights enter only the loss on train, so the two losses then differ."
    if has_equivalent_losses:
        note += (
            " Configurations that differ only in the loss are the same function and have the same "
            "curves."
        )
    return Section(
        key="learning-curves",
        title=title,
        notes=(note,),
        figures=tuple(
            _make_report_figure(str(family), rows, means, context)
            for family, rows in frame.groupby("family", sort=False)
        ),
    )


def _make_report_figure(
    family: str, rows: pd.DataFrame, means: pd.DataFrame, context: ReportContext
) -> ReportFigure:
    ranked_names = context.rank_models(rows)
    names = ranked_names[:MAX_CURVES]
    rows, means = (part[part["configuration"].isin(names)] for part in (rows, means))
    caption_text = (
        f"Loss and macro F1 by epoch, {label(family)}"
        f"{context.cite_paper_figure(family, 'train_loss')}. "
        f"{_describe_lines(rows.groupby('configuration')['replicate'].nunique().max())}"
    )
    if len(ranked_names) > len(names):
        caption_text += f" The {MAX_CURVES} models with the highest macro F1 on val are shown."
    draw = partial(figures.draw_curves, rows, means, data=context.data)
    return make_figure(
        f"curves-{make_slug(family)}", caption_text, draw(), narrow=draw(narrow=True)
    )


def _describe_lines(n_replicates: int) -> str:
    """Explain lines, bands and rings."""
    text = "Ring: epoch whose weights were kept."
    if n_replicates >= MIN_REPLICATES_FOR_BAND:
        text = f"Band: mean ± standard deviation on val over replicates. {text}"
    elif n_replicates > 1:
        text = f"Thin: one replicate. {text}"
    return (
        f"Lines: mean over replicates, up to the last epoch that all ran. {text}"
        if n_replicates > 1
        else text
    )
