"""Show the ROC and precision-recall curves of each class."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pandas as pd

from reports import figures
from reports.analysis.roc_curves import TABLE_RATE, TABLE_RECALL, Curve
from reports.figures.roc import MAX_CLASSES, MAX_FAMILY_MODELS, MAX_MODELS, MAX_PANELS
from reports.format.table import Column, make_table
from reports.format.text import DataLabel
from reports.format.units import BLANK, format_interval, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import ReportFigure, Section, make_figure

_MIN_REPLICATES_FOR_BAND = 3
"""Replicates from which several have a band in the figure; with two, it fills the panel."""


class _Point(NamedTuple):
    """A point of the curves that the table shows.

    Attributes:
        curve: Curve.
        x: False positive rate or recall, 0 to 1.
        heading: Lines of the heading.
    """

    curve: Curve
    x: float
    heading: tuple[str, ...]


_POINTS = (
    _Point(
        Curve.ROC, TABLE_RATE, ("Recall (%)", "at a false positive", f"rate of {TABLE_RATE:.0%}")
    ),
    _Point(
        Curve.PRECISION_RECALL,
        TABLE_RECALL,
        ("Precision (%)", "at a recall", f"of {TABLE_RECALL:.0%}"),
    ),
)

_NOTES = (
    "Each curve compares one class with all others: a threshold on the probability of the class "
    "moves from 1 to 0. The true positive rate is the recall; the false positive rate is 1 minus "
    "the specificity. Several replicates are averaged at each false positive rate and at each "
    "recall. Precision-recall curves have steps, and the area under the steps is the average "
    "precision.",
    "A band is a pointwise 95% confidence interval: each point has its own, not the curve as a "
    "whole. It ends where the threshold depends on the few most extreme images. Precision depends "
    "on the shares of the classes in test.",
)


def make_section(
    curves: pd.DataFrame,
    class_scores: pd.DataFrame,
    *,
    comparison: pd.DataFrame,
    context: ReportContext,
) -> Section | None:
    """Show the classes of the best model on val, and the models in the weakest classes.

    Args:
        curves: Frame from `roc_curves.compute_roc_curves`.
        class_scores: Frame from `class_scores.compute_class_scores`.
        comparison: Frame from `frames.make_comparison_frame`.
        context: Labels.

    Returns:
        None without a curve.
    """
    if curves.empty:
        return None
    rows = context.select_displayed(_label_classes(curves, context))
    ranked_names = context.rank_models(rows)
    best_name = ranked_names[0]
    models = context.merge_copies(comparison)
    (n_replicates,) = models.loc[models["configuration"] == best_name, "replicates"].tolist()
    best_rows = rows[rows["configuration"] == best_name]
    areas = context.select_displayed(_label_classes(class_scores, context))
    areas = areas[(areas["configuration"] == best_name) & areas["auc"].notna()]
    areas = areas.sort_values("auc", kind="stable")
    return Section(
        key="roc",
        title="ROC and precision-recall curves",
        paragraphs=(_describe_weakest(best_name, areas),),
        notes=_NOTES,
        figures=(
            _make_class_figure(best_rows, areas, context.data, n_replicates=n_replicates),
            *_make_model_figures(rows, areas, ranked_names, context.data),
        ),
        tables=(
            make_table(
                "roc",
                "Points of the ROC and precision-recall curves",
                _make_columns(),
                _select_points(rows),
                group="configuration",
                values=curves,
                folded=True,
            ),
        ),
    )


def _label_classes(frame: pd.DataFrame, context: ReportContext) -> pd.DataFrame:
    return frame.assign(class_label=context.label_classes(frame["class"]))


def _describe_weakest(model: str, areas: pd.DataFrame) -> str:
    """Name the classes with the lowest AUC and the lowest average precision."""
    texts = []
    for score, name in (("auc", "AUC"), ("average_precision", "average precision")):
        row = areas.sort_values(score, kind="stable").iloc[0]
        interval = format_interval(row[f"{score}_low"], row[f"{score}_high"], "score")
        text = f"{row['class_label']} has the lowest {name}, {format_number(row[score], 'score')}"
        texts.append(text if interval == BLANK else f"{text} (95% confidence interval {interval})")
    return (
        f"In {model}, the model with the highest macro F1 on val, {', and '.join(texts)}. "
        "The tables of “Scores of each class” have both for every model and class."
    )


def _make_class_figure(
    rows: pd.DataFrame, areas: pd.DataFrame, data: DataLabel, *, n_replicates: int
) -> ReportFigure:
    """Show the classes with the lowest AUC of one model."""
    shown = areas.head(MAX_CLASSES)
    has_bands = n_replicates == 1 or n_replicates >= _MIN_REPLICATES_FOR_BAND
    caption = (
        f"ROC and precision-recall curves on test of {rows['configuration'].iloc[0]}, the model "
        "with the highest macro F1 on val, by class. Lowest AUC first; AP is the average precision."
    )
    if len(shown) < len(areas):
        caption += f" The {len(shown)} of {len(areas)} classes with the lowest AUC are shown."
    if has_bands:
        caption += f" Band: pointwise 95% confidence intervals of {shown['class_label'].iloc[0]}."
    else:
        caption += " Intervals from two replicates are too wide for a band; the CSV file has them."
    shown = shown.assign(has_band=[has_bands and i == 0 for i in range(len(shown))])
    draw = partial(figures.draw_class_curves, rows, shown, data=data)
    return make_figure("roc", caption, draw(), narrow=draw(narrow=True))


def _make_model_figures(
    rows: pd.DataFrame, areas: pd.DataFrame, ranked_names: list[str], data: DataLabel
) -> Iterator[ReportFigure]:
    """Yield a figure of all models in the classes with the lowest AUC; none for one model."""
    names: set[str] = set()
    max_models = MAX_MODELS if len(set(rows["family"])) == 1 else MAX_FAMILY_MODELS
    for _, family_rows in rows.groupby("family"):
        ranked = sorted(family_rows["configuration"].unique(), key=ranked_names.index)
        names |= {*ranked[:max_models]}
    if len(names) < 2:
        return
    class_labels = list(areas["class_label"].head(MAX_PANELS))
    caption = (
        "ROC curves of the models on test, for the classes with the lowest AUC of the model with "
        "the highest macro F1 on val."
    )
    if len(names) < rows["configuration"].nunique():
        caption += f" For each family, the best {max_models} models on val are shown."
    rows = rows[rows["configuration"].isin(names)]
    yield make_figure(
        "roc-models", caption, figures.draw_model_curves(rows, class_labels, data=data)
    )


def _make_columns() -> list[Column]:
    columns = [
        Column(key="configuration", heading=("Configuration",)),
        Column(key="class_label", heading=("Class",)),
    ]
    for i, point in enumerate(_POINTS):
        columns += [
            Column(key=f"y{i}", heading=point.heading, unit="percent"),
            Column(key=f"y{i}", heading=("95% confidence", "interval"), unit="interval"),
        ]
    return columns


def _select_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each model and class, with `_POINTS` in columns."""
    keys = ["configuration", "class_label"]
    points = [
        rows[(rows["curve"] == point.curve) & (rows["x"] == point.x)]
        .set_index(keys)[["y", "low", "high"]]
        .set_axis([f"y{i}", f"y{i}_low", f"y{i}_high"], axis=1)
        for i, point in enumerate(_POINTS)
    ]
    return pd.concat(points, axis=1).reset_index()
