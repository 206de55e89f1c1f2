"""Draw ROC and precision-recall curves of classes.

The axes are cropped to the part where the curves differ, because those of good classifiers are in a
corner.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_estimate
from reports.format.text import DataLabel
from reports.format.units import format_number

# Values of `curve`, see `roc_curves.Curve`.
_ROC, _PRECISION_RECALL = "roc", "precision_recall"

MAX_CLASSES = len(colors.CLASS_STYLES)
"""Classes in `draw_class_curves`; the colors of more lines would be too similar."""

MAX_PANELS = 3
"""Classes in `draw_model_curves`: one row."""

MAX_MODELS = len(colors.MODEL_COLORS)
"""Models in `draw_model_curves`, if all are of one family."""

_DASHES = ("-", "--", "-.", ":")
MAX_FAMILY_MODELS = len(_DASHES)
"""Models of each of several families in `draw_model_curves`."""

_TIP_STEP = 3
"""Every third point of a curve has a text; more would make the page too large."""

_LINE_WIDTH = 1.5

_RATE_LIMITS = (1, 2, 5, 10, 20, 50, 100)
"""Possible ends of the axis of the false positive rate, in percent."""

_NEARLY_ALL = 90.0
"""Percentage that all curves exceed in the part that is cropped, if possible."""


@canvas.figure_style
def draw_class_curves(
    curves: pd.DataFrame, areas: pd.DataFrame, *, data: DataLabel, narrow: bool = False
) -> MarkedFigure:
    """Draw the ROC and the precision-recall curves of some classes of one model.

    Args:
        curves: Rows of `roc_curves.compute_roc_curves` of one model.
        areas: A row for each class, at most `MAX_CLASSES`: `class` (int), `class_label` (str),
            `auc` and `average_precision` (float, 0 to 1), and `has_band` (bool), whether its band
            is drawn.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone, with one panel below the other.
    """
    if narrow:
        figure = canvas.make_blank_figure(canvas.NARROW_WIDTH, 6 + 0.18 * len(areas), data)
        panels = figure.subplots(2, 1)
    else:
        height = 3.5 + 0.18 * math.ceil(len(areas) / 2)
        figure = canvas.make_blank_figure(canvas.WIDTH, height, data)
        panels = figure.subplots(1, 2)
    curves = curves[curves["class"].isin(areas["class"])]
    _set_rate_axes(panels[0], curves[curves["curve"] == _ROC])
    _set_recall_axes(panels[1], curves[curves["curve"] == _PRECISION_RECALL])
    for axes, curve in zip(panels, (_ROC, _PRECISION_RECALL), strict=True):
        rows = curves[curves["curve"] == curve]
        # The first class is on top, because it has the band.
        for i, area in reversed([*enumerate(areas.to_dict("records"))]):
            points = rows[rows["class"] == area["class"]]
            _draw_line(figure, axes, points, colors.CLASS_STYLES[i], name=area["class_label"])
            if area["has_band"]:
                _draw_band(axes, points, colors.CLASS_STYLES[i][0])
    labels = [
        f"{canvas.shorten(area['class_label'], 24)} (AUC {format_number(area['auc'], 'score')}, "
        f"AP {format_number(area['average_precision'], 'score')})"
        for area in areas.to_dict("records")
    ]
    n_columns, fontsize = (1, 8) if narrow else (2, 9)
    styles = colors.CLASS_STYLES[: len(areas)]
    _add_legend(figure, styles, labels, n_columns=n_columns, fontsize=fontsize)
    return figure


@canvas.figure_style
def draw_model_curves(
    curves: pd.DataFrame, class_labels: Sequence[str], *, data: DataLabel
) -> MarkedFigure:
    """Draw the ROC curves of some models, with one panel per class.

    The colors are those of the families, or those of the learning curves if there is one family.

    Args:
        curves: Rows of `roc_curves.compute_roc_curves`, of at most `MAX_MODELS` models of one
            family, or `MAX_FAMILY_MODELS` of each of several, with `class_label` (str).
        class_labels: Labels of the classes, at most `MAX_PANELS`.
        data: Names of the data, shown in the corner.
    """
    styles = _style_models(curves)
    n_columns = 2 if len(styles) <= 4 else 3
    height = 2.6 + 0.18 * math.ceil(len(styles) / n_columns)
    figure = canvas.make_blank_figure(canvas.WIDTH, height, data)
    panels = figure.subplots(1, len(class_labels), sharex=True, sharey=True, squeeze=False)[0]
    curves = curves[(curves["curve"] == _ROC) & curves["class_label"].isin(class_labels)]
    _set_rate_axes(panels[0], curves, separator="\n")
    panels[0].set_ylabel("True positive rate (%)")
    for axes, class_label in zip(panels, class_labels, strict=True):
        rows = curves[curves["class_label"] == class_label]
        for name, style in styles.items():
            points = rows[rows["configuration"] == name]
            _draw_line(figure, axes, points, style, name=name, model=name)
        axes.set_title(canvas.shorten(class_label, 24), fontsize=9)
        axes.set_xlabel(panels[0].get_xlabel())
    labels = [canvas.shorten(name, 32) for name in styles]
    _add_legend(figure, styles.values(), labels, n_columns=n_columns)
    return figure


def _add_legend(
    figure: MarkedFigure,
    styles: Iterable[tuple[str, str]],
    labels: Sequence[str],
    *,
    n_columns: int,
    fontsize: float = 9,
) -> None:
    """Add a legend of lines with these colors and line styles above the figure."""
    handles = [Line2D([], [], color=color, ls=dashes, lw=_LINE_WIDTH) for color, dashes in styles]
    style = {"ncols": n_columns, "fontsize": fontsize, "handlelength": 3}
    figure.legend(handles, labels, loc="outside upper left", **style)


def _style_models(curves: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return color and line style of each model."""
    models = curves.drop_duplicates("configuration")
    names = list(map(str, models["configuration"]))
    if len(set(models["family"])) == 1:
        return {name: (color, "-") for name, color in zip(names, colors.MODEL_COLORS, strict=False)}
    numbers = models.groupby("family").cumcount()
    return {
        name: (colors.get_family_style(family)[0], _DASHES[number])
        for name, family, number in zip(names, models["family"], numbers, strict=True)
    }


def _draw_line(
    figure: MarkedFigure,
    axes: Axes,
    points: pd.DataFrame,
    style: tuple[str, str],
    *,
    name: str,
    model: str | None = None,
) -> None:
    """Draw a curve, and invisible points within the axes that say the values."""
    color, dashes = style
    is_roc = points["curve"].iloc[0] == _ROC
    (line,) = axes.plot(
        points["x"] * 100,
        points["y"] * 100,
        color=color,
        linestyle=dashes,
        linewidth=_LINE_WIDTH,
        drawstyle="default" if is_roc else "steps-pre",
    )
    x_name, y_name = (
        ("false positive rate", "true positive rate") if is_roc else ("recall", "precision")
    )
    x_limits, y_limits = (np.divide(limits, 100) for limits in (axes.get_xlim(), axes.get_ylim()))
    is_inside = points["x"].between(*x_limits) & points["y"].between(*y_limits)
    points = points[is_inside].iloc[::_TIP_STEP]
    tips = [
        f"{name}\n{x_name} {row['x']:.2%}\n"
        f"{y_name} {format_estimate(row['y'], row['low'], row['high'], 'percent')}"
        for row in points.to_dict("records")
    ]
    (dots,) = axes.plot(
        points["x"] * 100, points["y"] * 100, color=color, marker="o", alpha=0, linestyle="none"
    )
    if model is not None:
        figure.mark(line, model=model)
    figure.mark(dots, model=model, tips=tips)


def _draw_band(axes: Axes, points: pd.DataFrame, color: str) -> None:
    is_roc = points["curve"].iloc[0] == _ROC
    axes.fill_between(
        points["x"] * 100,
        points["low"] * 100,
        points["high"] * 100,
        step=None if is_roc else "pre",
        color=color,
        alpha=0.18,
        linewidth=0,
    )


def _set_rate_axes(axes: Axes, curves: pd.DataFrame, *, separator: str = "; ") -> None:
    """Crop and label the axes of ROC curves; the separator is before the end of the axis."""
    lowest = curves.groupby("x")["y"].min() * 100
    reached = np.interp(np.divide(_RATE_LIMITS, 100), lowest.index, lowest)
    end = next((e for e, y in zip(_RATE_LIMITS, reached, strict=True) if y > _NEARLY_ALL), 100)
    low = _round_down(np.interp(end / 2000, lowest.index, lowest))
    axes.set(xlim=(-end / 50, end), ylim=(low, 100 + (100 - low) / 50), title="ROC")
    x_label = "False positive rate (%)" + (f"{separator}axis ends at {end:g}" if end < 100 else "")
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
