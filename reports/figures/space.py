"""Draw the search space with the values that trials reached: map and parallel coordinates."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure

from bloodnets.metrics import FloatArray
from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel, label
from reports.format.units import format_count, format_number
from reports.ledger.search_record import SearchRecord

_ABSENT_HEIGHT = -0.12
"""Height of a hyper-parameter that a trial lacks; the axes range from 0 to 1."""


@canvas.figure_style
def draw_search_space(
    frame: pd.DataFrame,
    stopped: pd.DataFrame,
    failed: pd.DataFrame,
    *,
    rung: int,
    data: DataLabel,
    narrow: bool = False,
) -> MarkedFigure:
    """Draw dropout against learning rate, with a panel per family and optimizer.

    The color is the best macro F1 on val up to the rung.

    Args:
        frame: Frame from `search_trials.select_at_rung`.
        stopped: Rows of `SearchAnalysis.trials` that were stopped before the rung.
        failed: Rows of `SearchAnalysis.trials` that diverged or failed.
        rung: Epoch of `frame`, from 1.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    all_rows = pd.concat([frame, *(rows for rows in (stopped, failed) if len(rows))])
    combinations = (
        all_rows[["family", "optimizer"]].drop_duplicates().sort_values(["family", "optimizer"])
    )
    groups = [(str(family), str(optimizer)) for family, optimizer in combinations.to_numpy()]
    height = 2.4 if narrow else 2.9
    figure, panels = canvas.make_panels(
        len(groups), width=7.6, height=height, data=data, narrow=narrow
    )
    norm = _make_color_norm(frame["value_at_rung"])
    for axes, (family, optimizer) in zip(panels, groups, strict=True):
        panel_rows, panel_stopped, panel_failed = (
            _select_group(rows, family, optimizer) for rows in (frame, stopped, failed)
        )
        points = (panel_stopped["learning_rate"], panel_stopped["dropout"])
        axes.scatter(*points, s=12, color=colors.GRAY, zorder=2)
        dots = _draw_trials(axes, panel_rows, panel_failed, norm)
        figure.mark(dots, tips=[_describe_trial(row) for row in _sort_by_value(panel_rows)])
        count_text = format_count(len(panel_rows) + len(panel_stopped) + len(panel_failed), "trial")
        axes.set_title(f"{label(family)}, {label(optimizer)}: {count_text}")
    x_limits = all_rows["learning_rate"].min() / 1.5, all_rows["learning_rate"].max() * 1.5
    for axes in panels:
        axes.set_xlim(*x_limits)
        axes.set_ylim(all_rows["dropout"].min() - 0.04, all_rows["dropout"].max() + 0.04)
    canvas.label_outer_axes(figure, panels, "Learning rate", "Dropout")
    _draw_colorbar(figure, panels, norm, rung)
    return figure


def _sort_by_value(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the rows in the order in which they are drawn: the best last, on top."""
    return rows.sort_values("value_at_rung").to_dict("records")


def _describe_trial(row: Mapping[Hashable, Any]) -> str:
    return (
        f"trial {row['number']}: learning rate {row['learning_rate']:.2g}, "
        f"dropout {row['dropout']:.2f}\n"
        f"best macro F1 on val {format_number(row['value_at_rung'], 'percent')}%"
    )


def _draw_trials(
    axes: Axes, rows: pd.DataFrame, failed: pd.DataFrame, norm: FuncNorm
) -> PathCollection:
    """Draw the trials of a panel; the returned dots are in the order of `_sort_by_value`."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:.0e}".replace("e-0", "e-"))
    sorted_rows = rows.sort_values("value_at_rung")
    points = (sorted_rows["learning_rate"], sorted_rows["dropout"])
    color_mapping: dict[str, Any] = {
        "c": sorted_rows["value_at_rung"] * 100,
        "cmap": colors.SEQUENTIAL_COLORMAP,
        "norm": norm,
    }
    dots = axes.scatter(
        *points, s=38, edgecolor=colors.WHITE, linewidth=0.5, zorder=3, **color_mapping
    )
    baselines = rows[rows["is_baseline"]]
    ring_style: dict[str, Any] = {
        "facecolor": "none",
        "edgecolor": colors.VERMILLION,
        "linewidth": 1.4,
    }
    axes.scatter(baselines["learning_rate"], baselines["dropout"], s=110, zorder=4, **ring_style)
    axes.scatter(
        failed["learning_rate"],
        failed["dropout"],
        s=30,
        marker="x",
        color=colors.VERMILLION,
        zorder=2,
    )
    return dots


@canvas.figure_style
def draw_parallel_coordinates(
    frame: pd.DataFrame, search: SearchRecord, *, rung: int, data: DataLabel
) -> MarkedFigure:
    """Draw a line per trial through its settings to the reached value, with the best on top.

    Args:
        frame: Frame from `search_trials.select_at_rung`.
        search: Record of the search, whose bounds are the ends of the axes.
        rung: Epoch of `frame`, from 1.
        data: Names of the data, shown in the corner.
    """
    figure = canvas.make_blank_figure(7.6, 3.6, data)
    axes = figure.subplots()
    norm, sorted_frame = (
        _make_color_norm(frame["value_at_rung"]),
        frame.sort_values("value_at_rung"),
    )
    scales = _build_axis_scales(sorted_frame, search, norm)
    heights = np.stack([height for _, height, _ in scales.values()], axis=1)
    line_colors = colors.SEQUENTIAL_COLORMAP(norm(sorted_frame["value_at_rung"] * 100))
    rows = sorted_frame.to_dict("records")
    for row, trial_heights, color in zip(rows, heights, line_colors, strict=True):
        (line,) = axes.plot(range(len(scales)), trial_heights, color=color, lw=1.3, alpha=0.85)
        figure.mark(line, tips=[_describe_trial(row)])
    for column, (_, _, ticks) in enumerate(scales.values()):
        axes.axvline(column, color=colors.DARK_GRAY, linewidth=0.8, zorder=0)
        for height, text in ticks:
            text_box = {"facecolor": colors.WHITE, "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
            axes.text(column + 0.02, height, text, fontsize=7, va="center", bbox=text_box, zorder=5)
    axes.set_xticks(range(len(scales)), [name for name, _, _ in scales.values()])
    axes.set_xlim(-0.1, len(scales) - 0.75)
    axes.set_ylim(-0.2, 1.06)
    axes.tick_params(length=0, labelleft=False)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    _draw_colorbar(figure, [axes], norm, rung)
    return figure


_AxisScale = tuple[str, FloatArray, list[tuple[float, str]]]


def _build_axis_scales(
    frame: pd.DataFrame, search: SearchRecord, norm: FuncNorm
) -> dict[str, _AxisScale]:
    """Return name, height of each trial (0 to 1) and ticks of every axis."""
    momentum = _make_linear_scale("Momentum", frame["momentum"], search.momentum)
    scales = {
        "family": _make_category_scale("Family", frame["family"], search.families),
        "optimizer": _make_category_scale("Optimizer", frame["optimizer"], search.optimizers),
        "learning_rate": _make_log_scale(
            "Learning rate", frame["learning_rate"], search.learning_rate
        ),
        "momentum": momentum,
        "dropout": _make_linear_scale("Dropout", frame["dropout"], search.dropout),
    }
    if (resnet_space := search.resnet) is not None:
        scales |= {
            "weight_decay": _make_log_scale(
                "Weight\ndecay", frame["weight_decay"], resnet_space.weight_decay
            ),
            "label_smoothing": _make_linear_scale(
                "Label\nsmoothing", frame["label_smoothing"], resnet_space.label_smoothing
            ),
            "width": _make_linear_scale("Width", frame["width"], resnet_space.width),
        }
    for name, values in (("family", search.families), ("optimizer", search.optimizers)):
        if len(values) < 2:
            del scales[name]
    if frame["momentum"].isna().all():
        del scales["momentum"]
    heights = np.asarray(norm(frame["value_at_rung"] * 100), dtype=np.float64)
    ticks = [(0.0, f"{norm.vmin:.1f}"), (1.0, f"{norm.vmax:.1f}")]
    return scales | {"value_at_rung": ("Macro F1 (%)", heights, ticks)}


def _make_category_scale(name: str, values: pd.Series, categories: tuple[str, ...]) -> _AxisScale:
    positions = np.linspace(0, 1, len(categories))
    heights = values.map(dict(zip(categories, positions, strict=True))).to_numpy(dtype=np.float64)
    return name, heights, [(p, label(text)) for p, text in zip(positions, categories, strict=True)]


def _make_linear_scale(name: str, values: pd.Series, bounds: tuple[float, float]) -> _AxisScale:
    low, high = bounds
    heights = (
        ((values - low) / ((high - low) or 1.0)).fillna(_ABSENT_HEIGHT).to_numpy(dtype=np.float64)
    )
    ticks = [(0.0, f"{low:g}"), (1.0, f"{high:g}")]
    return name, heights, ticks + ([(_ABSENT_HEIGHT, "none")] if values.isna().any() else [])


def _make_log_scale(name: str, values: pd.Series, bounds: tuple[float, float]) -> _AxisScale:
    low, high = np.log10(bounds)
    decades = range(int(np.ceil(low)), int(np.floor(high)) + 1)
    width = (high - low) or 1.0
    ticks = [(float((d - low) / width), f"1e{d}") for d in decades]
    return name, (np.log10(values.to_numpy()) - low) / width, ticks


def _make_color_norm(values: pd.Series) -> FuncNorm:
    low, high = values.min() * 100, values.max() * 100
    return FuncNorm(canvas.STRETCHED_SCALE, vmin=low, vmax=high if high > low else low + 0.5)


def _select_group(frame: pd.DataFrame, family: str, optimizer: str) -> pd.DataFrame:
    return frame[(frame["family"] == family) & (frame["optimizer"] == optimizer)]


def _draw_colorbar(figure: Figure, panels: list[Axes], norm: FuncNorm, rung: int) -> None:
    epochs_text = f"{rung} epoch{'' if rung == 1 else 's'}"
    colorbar = figure.colorbar(
        ScalarMappable(norm, colors.SEQUENTIAL_COLORMAP), ax=panels, aspect=30, pad=0.02
    )
    colorbar.set_ticks(canvas.select_ticks(*colorbar.ax.get_ylim()))
    colorbar.minorticks_off()
    colorbar.set_label(f"Best macro F1 on val\nafter {epochs_text} (%)", fontsize=8)
    colorbar.outline.set_visible(False)
