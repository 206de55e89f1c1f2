"""Show what a command is doing before a study starts."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


@contextmanager
def show_phase(console: Console, text: str) -> Iterator[None]:
    """Show a text with a spinner during a phase; without a terminal, print one line."""
    if not console.is_terminal:
        console.print(text, markup=False, highlight=False)
        yield
        return
    # `console.status` would redirect `sys.stdout`; see `format.make_live_display`.
    with Live(
        Spinner("dots", Text(text)),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield
