"""Show the progress of a phase of known length."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def show_progress(console: Console, text: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar during a phase; without a terminal, print one line.

    Args:
        console: Console to print to.
        text: Text before the bar.
        total: Number of steps.

    Yields:
        Function to call after each step.
    """
    if not console.is_terminal:
        console.print(text, markup=False, highlight=False)
        yield lambda: None
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task(text, total=total)
        yield lambda: progress.advance(task)
