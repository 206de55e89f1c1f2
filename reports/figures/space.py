"""Where in its space a search found what: a map, and parallel coordinates."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure

from bloodnets.metrics import FloatArray
from reports.figures import canvas
from reports.format.text import DataWords, word
from reports.format.units import plural
from reports.ledger.records import SearchRecord

_MAP = "cividis"
"""Even in lightness, and the same to colour-blind readers."""

_NONE = -0.12
"""Where a parameter that a trial does not have stands on its axis, which goes from 0 to 1."""


@canvas.style
def space(
    frame: pd.DataFrame, early: pd.DataFrame, lost: pd.DataFrame, *, rung: int, data: DataWords
) -> Figure:
    """Dropout over learning rate, a panel a family and optimizer; colour is what was reached.

    Args:
        frame: from `searches.at_rung`.
        early: rows of `searches.trials` that were stopped before.
        lost: rows that diverged or failed.
        rung: the epoch of `frame`.
        data: named in the corner.
    """
    every = pd.concat([frame, *(rows for rows in (early, lost) if len(rows))])
    kinds = every[["family", "optimizer"]].drop_duplicates().sort_values(["family", "optimizer"])
    groups = [(str(family), str(optimizer)) for family, optimizer in kinds.to_numpy()]
    figure, panels = canvas.panels(len(groups), width=7.6, height=2.9, data=data)
    norm = _norm(frame["reached"])
    for axes, (family, optimizer) in zip(panels, groups, strict=True):
        own, before, broken = (_of(rows, family, optimizer) for rows in (frame, early, lost))
        place = (before["learning_rate"], before["dropout"])
        axes.scatter(*place, s=12, color=canvas.GREY, zorder=2)
        _map(axes, own, broken, norm)
        count = plural(len(own) + len(before) + len(broken), "trial")
        axes.set_title(f"{word(family)}, {word(optimizer)}: {count}")
    ends = every["learning_rate"].min() / 1.5, every["learning_rate"].max() * 1.5
    for axes in panels:
        axes.set_xlim(*ends)
        axes.set_ylim(every["dropout"].min() - 0.04, every["dropout"].max() + 0.04)
    canvas.label_outer(figure, panels, "Learning rate", "Dropout")
    _bar(figure, panels, norm, rung)
    return figure


def _map(axes: Axes, own: pd.DataFrame, lost: pd.DataFrame, norm: FuncNorm) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:.0e}".replace("e-0", "e-"))
    ordered = own.sort_values("reached")  # the best are drawn last, and so on top
    place = (ordered["learning_rate"], ordered["dropout"])
    colour: dict[str, Any] = {"c": ordered["reached"] * 100, "cmap": _MAP, "norm": norm}
    axes.scatter(*place, s=38, edgecolor="white", linewidth=0.5, zorder=3, **colour)
    known = own[own["start"]]
    ring: dict[str, Any] = {"facecolor": "none", "edgecolor": canvas.VERMILLION, "linewidth": 1.4}
    axes.scatter(known["learning_rate"], known["dropout"], s=110, zorder=4, **ring)
    axes.scatter(
        lost["learning_rate"], lost["dropout"], s=30, marker="x", color=canvas.VERMILLION, zorder=2
    )


@canvas.style
def parallel(frame: pd.DataFrame, search: SearchRecord, *, rung: int, data: DataWords) -> Figure:
    """A line a trial through its settings to what it had reached; the best on top.

    Args:
        frame: from `searches.at_rung`.
        search: whose bounds are the ends of the axes.
        rung: the epoch of `frame`.
        data: named in the corner.
    """
    figure = canvas.blank(7.6, 3.6, data)
    axes = figure.subplots()
    norm, ordered = _norm(frame["reached"]), frame.sort_values("reached")
    scales = _scales(ordered, search, norm)
    heights = np.stack([height for _, height, _ in scales.values()], axis=1)
    colours = colormaps[_MAP](norm(ordered["reached"] * 100))
    for line, colour in zip(heights, colours, strict=True):
        axes.plot(range(len(scales)), line, color=colour, linewidth=1.3, alpha=0.85)
    for column, (_, _, ticks) in enumerate(scales.values()):
        axes.axvline(column, color="#333333", linewidth=0.8, zorder=0)
        for height, text in ticks:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
            axes.text(column + 0.02, height, text, fontsize=7, va="center", bbox=box, zorder=5)
    axes.set_xticks(range(len(scales)), [name for name, _, _ in scales.values()])
    axes.set_xlim(-0.1, len(scales) - 0.75)
    axes.set_ylim(-0.2, 1.06)
    axes.tick_params(length=0, labelleft=False)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    _bar(figure, [axes], norm, rung)
    return figure


_Scale = tuple[str, FloatArray, list[tuple[float, str]]]


def _scales(frame: pd.DataFrame, search: SearchRecord, norm: FuncNorm) -> dict[str, _Scale]:
    """Name, height of each trial from 0 to 1, and ticks of every axis."""
    momentum = _linear("Momentum", frame["momentum"], search.momentum)
    scales = {
        "family": _words("Family", frame["family"], search.families),
        "optimizer": _words("Optimizer", frame["optimizer"], search.optimizers),
        "learning_rate": _logarithmic(
            "Learning rate", frame["learning_rate"], search.learning_rate
        ),
        "momentum": momentum,
        "dropout": _linear("Dropout", frame["dropout"], search.dropout),
    }
    if (drawn := search.resnet) is not None:
        scales |= {
            "weight_decay": _logarithmic("Decay", frame["weight_decay"], drawn.weight_decay),
            "label_smoothing": _linear(
                "Smoothing", frame["label_smoothing"], drawn.label_smoothing
            ),
            "width": _linear("Width", frame["width"], drawn.width),
        }
    for name, values in (("family", search.families), ("optimizer", search.optimizers)):
        if len(values) < 2:
            del scales[name]
    if frame["momentum"].isna().all():
        del scales["momentum"]
    reached = np.asarray(norm(frame["reached"] * 100), dtype=np.float64)
    ends = [(0.0, f"{norm.vmin:.1f}"), (1.0, f"{norm.vmax:.1f}")]
    return scales | {"reached": ("Macro F1 (%)", reached, ends)}


def _words(name: str, values: pd.Series, known: tuple[str, ...]) -> _Scale:
    places = np.linspace(0, 1, len(known))
    heights = values.map(dict(zip(known, places, strict=True))).to_numpy(dtype=np.float64)
    return name, heights, [(p, word(text)) for p, text in zip(places, known, strict=True)]


def _linear(name: str, values: pd.Series, ends: tuple[float, float]) -> _Scale:
    low, high = ends
    heights = ((values - low) / ((high - low) or 1.0)).fillna(_NONE).to_numpy(dtype=np.float64)
    ticks = [(0.0, f"{low:g}"), (1.0, f"{high:g}")]
    return name, heights, ticks + ([(_NONE, "none")] if values.isna().any() else [])


def _logarithmic(name: str, values: pd.Series, ends: tuple[float, float]) -> _Scale:
    low, high = np.log10(ends)
    decades = range(int(np.ceil(low)), int(np.floor(high)) + 1)
    width = (high - low) or 1.0
    ticks = [(float((d - low) / width), f"1e{d}") for d in decades]
    return name, (np.log10(values.to_numpy()) - low) / width, ticks


def _norm(reached: pd.Series) -> FuncNorm:
    low, high = reached.min() * 100, reached.max() * 100
    return FuncNorm(canvas.STRETCHED, vmin=low, vmax=high if high > low else low + 0.5)


def _of(frame: pd.DataFrame, family: str, optimizer: str) -> pd.DataFrame:
    return frame[(frame["family"] == family) & (frame["optimizer"] == optimizer)]


def _bar(figure: Figure, panels: list[Axes], norm: FuncNorm, rung: int) -> None:
    epochs = f"{rung} epoch{'' if rung == 1 else 's'}"
    bar = figure.colorbar(ScalarMappable(norm, _MAP), ax=panels, aspect=30, pad=0.02)
    bar.set_ticks(canvas.ticks(*bar.ax.get_ylim()))
    bar.minorticks_off()
    bar.set_label(f"Best macro F1 on val\nafter {epochs} (%)", fontsize=8)
    bar.outline.set_visible(False)
