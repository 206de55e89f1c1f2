"""Data frames to matplotlib figures. Layout only: what is drawn was computed in `tables`.

Figures are objects of their own (no pyplot, no global state), in colours that colour-blind
readers can tell apart (Okabe & Ito), with line styles and markers for print in grey. Each names
its data in a corner.
"""

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.typeset import DataWords, method, number

BLUE, SKY, VERMILLION, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
_GREY = "#BDBDBD"

# Text becomes outlines: the figure looks the same where the font is missing. Names come from
# users, so no dollar sign starts a formula. A fixed salt makes equal figures equal files.
_STYLE = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "bloodstudy",
    "text.parse_math": False,
}
_style = matplotlib.style.context(["default", _STYLE])

# Key in the frame, name in the legend, colour, marker.
_SCORES = (
    ("test_macro_precision", "macro precision", GREEN, "s"),
    ("test_weighted_f1", "weighted F1", VERMILLION, "^"),
    ("test_macro_f1", "macro F1", BLUE, "o"),
)
# Key in the frame of `tables.curves`, label of the axis.
_CURVES = {"train_loss": "Training loss (nats)", "val_macro_f1": "Macro F1 on val (%)"}
_CONTEXT_AT_MOST = 8
_DPI = 160


@_style
def curves(frame: pd.DataFrame, means: pd.DataFrame, *, value: str, data: DataWords) -> Figure:
    """One panel a configuration: a thin line a seed, their mean bold, the others in grey.

    Panels, because configurations that differ in the loss alone have the same curve, and one
    would hide the other.

    Args:
        frame: from `tables.curves`, of one family.
        means: from `tables.mean_curves`, of the same.
        value: the column to draw, `train_loss` or `val_macro_f1`.
        data: named in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = _panels(len(names), width=7.2, height=2.3, data=data)
    scale = 100 if value == "val_macro_f1" else 1
    for axes, name in zip(panels, names, strict=True):
        others = [other for other in names if other != name and len(names) <= _CONTEXT_AT_MOST]
        for other in others:
            mean = means[means["configuration"] == other]
            axes.plot(mean["epoch"], mean[value] * scale, color=_GREY, linewidth=0.8, zorder=1)
        own = frame[frame["configuration"] == name]
        _replicates(axes, own, means[means["configuration"] == name], value, scale)
        _title(axes, name, method(own["loss"].iloc[0], own["optimizer"].iloc[0]))
    _limits(panels, frame[value] * scale, from_zero=value == "train_loss")
    _label_outer(figure, panels, "Epoch", _CURVES[value])
    return figure


def _replicates(
    axes: Axes, frame: pd.DataFrame, mean: pd.DataFrame, value: str, scale: int
) -> None:
    """Every seed's curve, the mean of several, a ring at each epoch whose weights were kept."""
    seeds = list(frame.groupby("seed", sort=False))
    colour, width = (BLUE, 1.6) if len(seeds) == 1 else (SKY, 0.9)
    for _, one in seeds:
        axes.plot(one["epoch"], one[value] * scale, color=colour, linewidth=width)
    if len(seeds) > 1:
        axes.plot(mean["epoch"], mean[value] * scale, color=BLUE, linewidth=2.0)
    kept = frame[frame["epoch"] == frame["best_epoch"]]
    axes.scatter(
        kept["epoch"], kept[value] * scale, s=24, facecolor="white", edgecolor=BLUE, zorder=4
    )


@_style
def scores(frame: pd.DataFrame, *, data: DataWords) -> Figure:
    """Macro precision, weighted and macro F1 of each configuration, as dots.

    Dots, because a bar is read by its length and would have to start at 0, where differences
    of a point are invisible. Whiskers are the standard deviation over seeds; an open diamond is
    the weighted F1 as published, where the frame has it.

    Args:
        frame: from `tables.comparison`, of one family.
        data: named in the corner.
    """
    height = 1.5 + 0.62 * len(frame)
    figure = _figure(7.2, height, data)
    axes = figure.subplots()
    rows = list(range(len(frame)))
    for place, (key, name, colour, marker) in enumerate(_SCORES):
        axes.errorbar(
            frame[key] * 100,
            [row + (place - 1) * 0.22 for row in rows],
            xerr=frame[f"{key}_sd"] * 100,
            label=name,
            color=colour,
            marker=marker,
            markersize=6,
            linestyle="none",
            elinewidth=1.2,
            capsize=3,
        )
    _published(axes, frame)
    labels = [
        f"{_short(str(name))}\n{method(loss, optimizer)}"
        for name, loss, optimizer in zip(
            frame["configuration"], frame["loss"], frame["optimizer"], strict=True
        )
    ]
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set_xlabel(f"Percent, on test (axis from {low:.1f} to {high:.1f}, not from 0)")
    _score_legend(figure, axes)
    return figure


def _published(axes: Axes, frame: pd.DataFrame) -> None:
    """An open diamond in each row of which a weighted F1 was published."""
    if "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any():
        axes.plot(
            frame["published_weighted_f1"] * 100,
            list(range(len(frame))),
            label="weighted F1, as published",
            color="#333333",
            marker="D",
            markersize=7,
            markerfacecolor="none",
            linestyle="none",
            zorder=1,
        )


def _score_legend(figure: Figure, axes: Axes) -> None:
    # matplotlib lists plain lines before those with whiskers; ours come first.
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda i: "published" in names[i])
    figure.legend(
        [handles[i] for i in order],
        [names[i] for i in order],
        loc="outside upper left",
        ncols=4,
        handletextpad=0.2,
        columnspacing=1.2,
    )


@_style
def confusions(frame: pd.DataFrame, labels: Sequence[str], *, data: DataWords) -> Figure:
    """One matrix a configuration: rows true, columns predicted; counts and row percentages.

    The shade is the row's share on a square-root scale: on a plain one every mistake of a good
    classifier is white.

    Args:
        frame: from `tables.summed`, of one family.
        labels: of the eight classes.
        data: named in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = _panels(len(names), width=11.0, height=5.2, data=data)
    for axes, name in zip(panels, names, strict=True):
        cells = frame[frame["configuration"] == name]
        counts = cells.pivot_table(index="true", columns="predicted", values="count").to_numpy()
        shares = cells.pivot_table(index="true", columns="predicted", values="row_share").to_numpy()
        axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
        for place in np.ndindex(counts.shape):
            _count(axes, place, int(counts[place]), float(shares[place]))
        seeds = int(cells["seeds"].max())
        _title(axes, name, f"sum of {seeds} seeds" if seeds > 1 else "1 seed")
        axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.grid(visible=False)
        axes.tick_params(length=0)
    _label_outer(figure, panels, "Predicted class (images; below: % of the row)", "True class")
    return figure


def _count(axes: Axes, place: tuple[int, ...], count: int, share: float) -> None:
    """One cell: the count, and below it the percentage of the row; a faint 0 where it is empty."""
    row, column = place
    centred: dict[str, Any] = {"x": column, "ha": "center", "in_layout": False}
    if count == 0:
        axes.text(y=row, s="0", va="center", fontsize=7, color="#8A8A8A", **centred)
        return
    centred["color"] = "white" if share > 0.35 else "black"
    weight = "bold" if row == column else "normal"
    axes.text(y=row, s=f"{count}", va="bottom", fontsize=8.5, weight=weight, **centred)
    axes.text(y=row + 0.08, s=number(share, "percent"), va="top", fontsize=6, **centred)


@_style
def svg_and_png(figure: Figure) -> tuple[bytes, bytes]:
    """The figure in both formats; the same figure gives the same bytes."""
    # Laid out once, and drawn by the canvases themselves: `savefig` would do both twice over.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    vector, pixels = io.BytesIO(), io.BytesIO()
    figure.dpi = _DPI
    FigureCanvasAgg(figure).print_png(pixels, metadata={"Software": "bloodstudy"})  # type: ignore[no-untyped-call]
    # This one leaves the figure at 72 dots an inch, so it comes last.
    FigureCanvasSVG(figure).print_svg(vector, metadata={"Date": None, "Creator": "bloodstudy"})  # type: ignore[no-untyped-call]
    return vector.getvalue(), pixels.getvalue()


def _figure(width: float, height: float, data: DataWords) -> Figure:
    """An empty figure, in inches, with a strip at its foot that names the data."""
    figure = Figure(figsize=(width, height), dpi=_DPI)
    strip = 0.22 / height
    figure.set_layout_engine("constrained", rect=(0, strip, 1, 1 - strip))
    look: dict[str, Any] = {"color": "#666666", "fontsize": 6.5}
    if data.mark:
        look = {"color": "#A8322A", "fontsize": 9, "weight": "bold"}
    text = data.short if data.mark else f"Data: {data.short}"
    figure.text(0.06 / width, 0.06 / height, _short(text, 100), **look)
    return figure


def _panels(
    count: int, *, width: float, height: float, data: DataWords
) -> tuple[Figure, list[Axes]]:
    """Panels in two columns, `height` inches a row, filled from the left and without gaps."""
    columns, rows = min(count, 2), math.ceil(count / 2)
    figure = _figure(width if columns == 2 else width * 0.6, height * rows + 0.4, data)
    grid = figure.add_gridspec(rows, columns)
    return figure, [figure.add_subplot(grid[i // columns, i % columns]) for i in range(count)]


def _title(axes: Axes, name: str, rest: str) -> None:
    axes.set_title(f"{_short(name)}: {rest}")


def _limits(panels: Sequence[Axes], values: pd.Series, *, from_zero: bool) -> None:
    """The same axes in every panel, so that panels can be compared by eye."""
    low, high = (0.0 if from_zero else float(values.min())), float(values.max())
    margin = 0.04 * ((high - low) or 1.0)
    longest = max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low if from_zero else low - margin, high + margin)
        axes.set_xlim(0, longest)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _label_outer(figure: Figure, panels: Sequence[Axes], below: str, left: str) -> None:
    """Ticks and names of the axes at the left and below the last panel of each column only."""
    for i, axes in enumerate(panels):
        at_left, at_foot = i % 2 == 0, i >= len(panels) - 2
        axes.tick_params(labelleft=at_left, labelbottom=at_foot)
        axes.set_ylabel(left if at_left else "")
        axes.set_xlabel(below if at_foot else "")
    figure.align_ylabels()


def _short(text: str, length: int = 36) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
