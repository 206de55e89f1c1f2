"""Draw ROC and precision-recall curves of classes.

The axes are cropped to the part where the curves differ, because those of good classifiers are in a
corner.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.analysis.roc_curves import Curve
from reports.figures import canvas
from reports.format.text import DataLabel
from reports.format.units import format_number

MAX_CLASSES = len(canvas.CLASS_STYLES)
"""Classes in `draw_class_curves`; the colors of more lines would be too similar."""

MAX_PANELS = 4
"""Classes in `draw_model_curves`: one row."""

_DASHES = ("-", "--", "-.", ":")
MAX_FAMILY_MODELS = 2 * len(_DASHES)
"""Models of a family in `draw_model_curves`."""

_RATE_LIMITS = (1, 2, 5, 10, 20, 50, 100)
"""Possible ends of the axis of the false positive rate, in percent."""

_NEARLY_ALL = 90.0
"""Percentage that all curves exceed in the part that is cropped, if possible."""


@canvas.figure_style
def draw_class_curves(curves: pd.DataFrame, areas: pd.DataFrame, *, data: DataLabel) -> Figure:
    """Draw the ROC and the precision-recall curves of some classes of one model.

    Args:
        curves: Rows of `roc_curves.compute_roc_curves` of one model.
        areas: A row for each class, at most `MAX_CLASSES`: `class` (int), `class_label` (str),
            `auc` and `average_precision` (float, 0 to 1), and `has_band` (bool), whether its band
            is drawn.
        data: Names of the data, shown in the corner.
    """
    figure = canvas.make_blank_figure(7.2, 3.5 + 0.18 * math.ceil(len(areas) / 2), data)
    panels = figure.subplots(1, 2)
    curves = curves[curves["class"].isin(areas["class"])]
    for axes, curve in zip(panels, Curve, strict=True):
        rows = curves[curves["curve"] == curve]
        step = "pre" if curve == Curve.PRECISION_RECALL else None
        for i, area in enumerate(areas.to_dict("records")):
            points = rows[rows["class"] == area["class"]]
            color, dashes = canvas.CLASS_STYLES[i]
            x, y, low, high = (points[column] * 100 for column in ("x", "y", "low", "high"))
            # The first class is on top, because it has the band.
            style = {"color": color, "linestyle": dashes, "linewidth": 1.5, "zorder": 3 - 0.1 * i}
            axes.plot(x, y, drawstyle=f"steps-{step}" if step else "default", **style)
            if area["has_band"]:
                axes.fill_between(x, low, high, step=step, color=color, alpha=0.18, linewidth=0)
    _set_rate_axes(panels[0], curves[curves["curve"] == Curve.ROC])
    _set_recall_axes(panels[1], curves[curves["curve"] == Curve.PRECISION_RECALL])
    labels = [
        f"{canvas.shorten(area['class_label'], 24)} (AUC {format_number(area['auc'], 'score')}, "
        f"AP {format_number(area['average_precision'], 'score')})"
        for area in areas.to_dict("records")
    ]
    figure.legend(panels[0].lines, labels, loc="outside upper left", ncols=2, handlelength=3)
    return figure


@canvas.figure_style
def draw_model_curves(
    curves: pd.DataFrame, class_labels: Sequence[str], *, data: DataLabel
) -> Figure:
    """Draw the ROC curves of some models, with one panel per class.

    Args:
        curves: Rows of `roc_curves.compute_roc_curves`, of at most `MAX_FAMILY_MODELS` models of
            each family, with `class_label` (str).
        class_labels: Labels of the classes, at most `MAX_PANELS`.
        data: Names of the data, shown in the corner.
    """
    n_models = curves["configuration"].nunique()
    n_columns = 2 if n_models <= 4 else 3
    height = 2.6 + 0.18 * math.ceil(n_models / n_columns)
    figure = canvas.make_blank_figure(7.2, height, data)
    panels = figure.subplots(1, len(class_labels), sharex=True, sharey=True, squeeze=False)[0]
    curves = curves[(curves["curve"] == Curve.ROC) & curves["class_label"].isin(class_labels)]
    for axes, class_label in zip(panels, class_labels, strict=True):
        rows = curves[curves["class_label"] == class_label]
        for family, family_rows in rows.groupby("family", sort=False):
            color, _ = canvas.get_family_style(str(family))
            for i, (name, points) in enumerate(family_rows.groupby("configuration", sort=False)):
                axes.plot(
                    points["x"] * 100,
                    points["y"] * 100,
                    color=color,
                    linestyle=_DASHES[i % len(_DASHES)],
                    linewidth=1.5 if i < len(_DASHES) else 0.7,
                    label=canvas.shorten(str(name), 32),
                )
    _set_rate_axes(panels[0], curves)
    x_label = panels[0].get_xlabel().replace("; ", "\n")
    for axes, class_label in zip(panels, class_labels, strict=True):
        axes.set_title(canvas.shorten(class_label, 24), fontsize=8)
        axes.set_xlabel(x_label, fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=n_columns, handlelength=3)
    return figure


def _set_rate_axes(axes: Axes, curves: pd.DataFrame) -> None:
    """Crop and label the axes of ROC curves."""
    lowest = curves.groupby("x")["y"].min() * 100
    reached = np.interp(np.divide(_RATE_LIMITS, 100), lowest.index, lowest)
    end = next((e for e, y in zip(_RATE_LIMITS, reached, strict=True) if y > _NEARLY_ALL), 100)
    low = _round_down(np.interp(end / 2000, lowest.index, lowest))
    axes.set(xlim=(-end / 50, end), ylim=(low, 100 + (100 - low) / 50), title="ROC")
    x_label = "False positive rate (%)" + (f"; axis ends at {end:g}" if end < 100 else "")
    axes.set(xlabel=x_label, ylabel="True positive rate (%), i.e. recall")


def _set_recall_axes(axes: Axes, curves: pd.DataFrame) -> None:
    """Crop and label the axes of precision-recall curves."""
    lowest = curves.groupby("x")["y"].min() * 100
    start = _round_down(100 * lowest.index[lowest <= _NEARLY_ALL].min())
    low = _round_down(np.interp(0.95, lowest.index, lowest))
    axes.set(xlim=(start, 100 + (100 - start) / 50), ylim=(low, 100 + (100 - low) / 50))
    label = "Recall (%)" + (f"; axis begins at {start:g}" if start else "")
    axes.set(xlabel=label, ylabel="Precision (%)", title="Precision-recall")


def _round_down(percent: float) -> float:
    """Return the multiple of ten below a percentage, at most 90; 90 for NaN."""
    return 90.0 if math.isnan(percent) else min(90.0, 10 * math.floor(percent / 10))
