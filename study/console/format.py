"""Format values and tables for the terminal."""

import math
import sys
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from reports.format.units import format_duration

_PIPE_WIDTH = 1000

COLUMN_GAP = 2
"""Spaces between the columns of a table."""


def make_output_console() -> Console:
    """Return a console for standard output, which is as wide as needed if it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def make_plain_table(title: str | None = None) -> Table:
    """Return an empty table without lines; its title has the style of its cells."""
    return Table(
        title=title,
        title_justify="left",
        title_style="",
        box=None,
        header_style="bold",
        padding=(0, COLUMN_GAP, 0, 0),
        pad_edge=False,
    )


def make_live_display(console: Console, get_renderable: Callable[[], RenderableType]) -> Live:
    """Return a display that refreshes what `get_renderable` returns and is erased at its end.

    By default, `Live` redirects `sys.stdout` and would show the output of Ray in the terminal.
    `session.redirect_output` sends that output to a log instead.
    """
    return Live(
        console=console,
        get_renderable=get_renderable,
        refresh_per_second=2,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def format_clock(duration_s: float) -> str:
    """Return a duration as on a clock, e.g. `0:45`, `3:05` or `2:07:00`."""
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_age(age_s: float) -> str:
    """Return an age in its largest unit, e.g. `45 s ago`, `3 h ago` or `12 d ago`."""
    for unit, unit_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if age_s >= unit_s:
            return f"{age_s // unit_s:.0f} {unit} ago"
    return f"{max(0.0, age_s) // 1:.0f} s ago"


def format_time_left(left_s: float | None) -> str:
    """Return an estimate as the end of a line, e.g. `, about 3 min 05 s left`; empty if None."""
    return "" if left_s is None else f", about {format_duration(left_s)} left"


def format_percent(value: float, sd: float = math.nan, *, decimals: int = 2) -> str:
    """Return a fraction in percent, e.g. `93.30`, or `93.30 ± 0.41` with a standard deviation.

    Args:
        value: Fraction, 0 to 1; NaN becomes `-`.
        sd: Standard deviation over replicates, as a fraction; NaN if unknown.
        decimals: Number of decimals; see `choose_decimals`.
    """
    if math.isnan(value):
        return "-"
    spread = "" if math.isnan(sd) else f" ± {100 * sd:.{decimals}f}"
    return f"{100 * value:.{decimals}f}{spread}"


def make_printable(text: str) -> str:
    """Return a text with `?` in place of control characters and other unprintable ones."""
    return "".join(character if character.isprintable() else "?" for character in text)
