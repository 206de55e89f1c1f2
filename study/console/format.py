"""Values and tables as the terminal shows them."""

import math
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

FULL_WIDTH = 80
"""Columns of a terminal in which a whole live table fits."""


def make_plain_table(title: str) -> Table:
    """Without lines, its title in the same style as its cells."""
    return Table(
        title=title,
        title_justify="left",
        title_style="",
        box=None,
        header_style="bold",
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )


def make_live_display(console: Console, get_renderable: Callable[[], RenderableType]) -> Live:
    """What `get_renderable` returns, renewed until stopped, and then gone.

    What Ray prints meanwhile goes to its log, where `session.redirect_output` sends it: a `Live`
    of rich's own accord takes over `sys.stdout` and shows that in the terminal.
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
    """`0:45`, `3:05`, `2:07:00`."""
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_duration(duration_s: float) -> str:
    """`45 s`, `3 min 05 s`, `2 h 07 min`."""
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def format_percent(value: float, sd: float = math.nan) -> str:
    """`93.30`, or `93.30 ± 0.41` where a standard deviation over seeds is known; `-` of nothing."""
    if math.isnan(value):
        return "-"
    return f"{100 * value:.2f}" + ("" if math.isnan(sd) else f" ± {100 * sd:.2f}")


def make_printable(text: str) -> str:
    """Return a text without characters that would move the cursor or are no text at all."""
    return "".join(character if character.isprintable() else "?" for character in text)
