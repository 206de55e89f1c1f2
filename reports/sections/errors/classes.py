"""Show the scores of each class, with their intervals."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from reports.analysis.class_scores import MIN_CLASS_IMAGES
from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CLASS_COLUMNS, MORE_CLASS_COLUMNS
from reports.format.table import Column, Table, choose_column_decimals, make_table
from reports.format.text import label
from reports.format.units import BLANK, format_interval, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import MAX_SHADE, HeatMap, HeatMapCell, Section, make_slug


class _Score(NamedTuple):
    """A score of the classes.

    Attributes:
        key: Column of `ConfusionAnalysis.class_scores`.
        title: Name, with its synonym in medicine.
    """

    key: str
    title: str


_SCORES = (
    _Score("f1", "F1"),
    _Score("recall", "Recall (sensitivity)"),
    _Score("precision", "Precision (positive predictive value)"),
    _Score("specificity", "Specificity"),
)

_NOTES = (
    "Each row compares one class with all others. Precision is the positive predictive value "
    "(PPV), recall is the sensitivity, and NPV is the negative predictive value. AUC and average "
    "precision rank the images by the probability of the class.",
    "PPV, NPV and average precision depend on the shares of the classes in test. In other samples, "
    "e.g. those of a hospital, they differ. A dash means that a score or its interval is "
    "undefined.",
)


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make a heat map of each score, and two tables for each family.

    Args:
        confusion: Scores of each class.
        context: Labels.

    Returns:
        None without a test evaluation.
    """
    scores = confusion.class_scores
    if scores.empty:
        return None
    all_rows = scores.assign(class_label=context.label_classes(scores["class"]))
    return Section(
        key="per-class",
        title="Scores of each class",
        paragraphs=_describe_weakest(context.select_displayed(all_rows), context),
        heat_maps=tuple(
            _make_heat_map(context.select_displayed(all_rows), score, context) for score in _SCORES
        ),
        notes=_NOTES,
        tables=tuple(
            table
            for family in context.select_displayed(all_rows)["family"].unique()
            for table in _make_tables(all_rows[all_rows["family"] == family], context, family)
        ),
    )


def add_note(frame: pd.DataFrame) -> pd.DataFrame:
    """Return class scores with the column `note`, if any class has few images.

    Args:
        frame: Frame with the column `support`.
    """
    is_small = frame["support"] < MIN_CLASS_IMAGES
    if not is_small.any():
        return frame
    return frame.assign(
        note=is_small.map({True: f"fewer than {MIN_CLASS_IMAGES} images", False: ""})
    )


def _describe_weakest(rows: pd.DataFrame, context: ReportContext) -> tuple[str, ...]:
    """Name the class with the lowest F1 of the model with the highest macro F1 on val."""
    rows = rows[rows["support"] > 0]
    best_model = context.rank_models(rows)[0]
    weakest_rows = rows.loc[rows.groupby("configuration", sort=False)["f1"].idxmin()]
    (weakest,) = weakest_rows[weakest_rows["configuration"] == best_model].to_dict("records")
    decimals = choose_column_decimals(rows, "f1")
    score = format_number(weakest["f1"], "percent", decimals=decimals)
    interval = format_interval(weakest["f1_low"], weakest["f1_high"], "percent", decimals=decimals)
    text = (
        f"The weakest class of {best_model}, the model with the highest macro F1 on val, is "
        f"{weakest['class_label']}: its F1 is {score}%, 95% "
        f"confidence interval {interval}."
    )
    n_same = int((weakest_rows["class"] == weakest["class"]).sum())
    if n_same > 1:
        text += f" It is the weakest class of {n_same} of {len(weakest_rows)} models."
    return (text,)


def _make_heat_map(rows: pd.DataFrame, score: _Score, context: ReportContext) -> HeatMap:
    """Make a heat map with a row for each class and a column for each model."""
    present = rows[rows["support"] > 0]
    low, high = present[score.key].min(), present[score.key].max()
    decimals = choose_column_decimals(present, score.key)
    cells_by_place = {
        (row["class"], row["configuration"]): _make_cell(
            row, score.key, low, high, decimals=decimals
        )
        for row in present.to_dict("records")
    }
    models = tuple(map(str, rows["configuration"].unique()))
    cells = tuple(
        tuple(cells_by_place.get((c, model), HeatMapCell(text=BLANK)) for model in models)
        for c in range(len(context.class_labels))
    )
    return HeatMap(
        title=score.title,
        caption="In %, on test, with 95% confidence interval. The darker, the lower",
        rows=context.class_labels,
        columns=models,
        cells=cells,
    )


def _make_cell(
    row: Mapping[Any, Any], key: str, low: float, high: float, *, decimals: int
) -> HeatMapCell:
    """Return a cell, darker the farther its value is from the highest of the heat map."""
    value = row[key]
    if math.isnan(value):
        return HeatMapCell(text=BLANK)
    ends = row[f"{key}_low"], row[f"{key}_high"]
    interval = format_interval(*ends, "percent", decimals=decimals)
    return HeatMapCell(
        text=format_number(value, "percent", decimals=decimals),
        detail="" if interval == BLANK else interval,
        shade=-round(MAX_SHADE * (high - value) / (high - low)) if high > low else 0,
    )


def _make_tables(rows: pd.DataFrame, context: ReportContext, family: str) -> tuple[Table, Table]:
    slug, displayed_rows = make_slug(family), add_note(context.select_displayed(rows))

    def make(name: str, text: str, columns: tuple[Column, ...]) -> Table:
        keys = {"family", "class", *(column.key for column in columns)}
        values = rows[[c for c in rows.columns if re.sub("_(sd|low|high)$", "", c) in keys]]
        caption = f"{text} of each class on test, {label(family)}"
        return make_table(
            f"{name}-{slug}",
            caption,
            columns,
            displayed_rows,
            group="configuration",
            values=values,
            folded=True,
        )

    return (
        make("per-class", "Precision, recall and F1", CLASS_COLUMNS),
        make(
            "per-class-more",
            "Specificity, NPV, AUC and average precision",
            MORE_CLASS_COLUMNS,
        ),
    )
