"""Draw importances as dots with intervals."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_estimate
from reports.format.text import DataLabel

# Marker and color by rung, from the first.
_RUNG_MARKERS = (
    ("o", colors.BLUE),
    ("s", colors.VERMILLION),
    ("^", colors.GREEN),
    ("D", colors.SKY),
)


@canvas.figure_style
def draw_importances(frame: pd.DataFrame, *, data: DataLabel, narrow: bool = False) -> MarkedFigure:
    """Draw a panel per group of trials, a line per hyper-parameter, and a dot per rung.

    Args:
        frame: Frame from `importance.compute_importances`, with the columns `trial_group` and
            `setting_text` (str), the labels of group and setting.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    groups, rungs = list(frame["trial_group"].unique()), list(frame["rung"].unique())
    n_lines = frame.groupby("trial_group", sort=False)["setting_text"].nunique()
    width = canvas.choose_width(narrow=narrow)
    figure = canvas.make_blank_figure(width, 1.2 + 0.42 * n_lines.sum(), data)
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=[*n_lines])
    for axes, group in zip(panels[:, 0], groups, strict=True):
        group_rows = frame[frame["trial_group"] == group]
        names = list(group_rows["setting_text"].unique())
        for index, rung in enumerate(rungs):
            rung_rows = group_rows[group_rows["rung"] == rung]
            if rung_rows.empty:
                continue
            marker, color = _RUNG_MARKERS[index % len(_RUNG_MARKERS)]
            percent = rung_rows["importance"] * 100
            interval = rung_rows["importance_low"] * 100, rung_rows["importance_high"] * 100
            offset = 0.22 * (index - (len(rungs) - 1) / 2)
            heights = [names.index(name) + offset for name in rung_rows["setting_text"]]
            null = rung_rows["importance_null"].fillna(0) * 100  # unknown for the rest
            axes.barh(heights, null, height=0.2, color=colors.GRAY, alpha=0.5)
            # Lines, not error bars: with few trials the interval may not contain the value.
            axes.hlines(heights, *interval, color=color, linewidth=1.4)
            (dots,) = axes.plot(percent, heights, marker=marker, color=color, ls="none")
            tips = [
                f"{row['setting_text']}, after epoch {rung}\n{_format_importance(row)}"
                for row in rung_rows.to_dict("records")
            ]
            figure.mark(dots, tips=tips)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_title(str(group))
        axes.grid(visible=False, axis="y")
    for index, rung in enumerate(rungs):
        marker, color = _RUNG_MARKERS[index % len(_RUNG_MARKERS)]
        label = f"after epoch {rung}"
        panels[0, 0].plot([], [], marker=marker, color=color, ls="none", label=label)
    panels[-1, 0].set_xlim(-2, 102)
    panels[-1, 0].set_xlabel("Share of variance (%),\n90% confidence interval")
    figure.legend(loc="outside upper left", ncols=2 if narrow else 4)
    return figure


def _format_importance(row: Mapping[Hashable, Any]) -> str:
    ends = row["importance_low"], row["importance_high"]
    return format_estimate(row["importance"], *ends, "percent", decimals=1, level=90)
