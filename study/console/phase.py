"""What a command is busy with before there is anything else to show."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text


@contextmanager
def show_phase(console: Console, text: str) -> Iterator[None]:
    """Show a text: beside a spinner until the phase is over in a terminal, else in a line."""
    if not console.is_terminal:
        console.print(text, markup=False, highlight=False)
        yield
        return
    # Not `console.status`, which takes over `sys.stdout`: see `format.make_live_display`.
    with Live(
        Spinner("dots", Text(text)),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield
