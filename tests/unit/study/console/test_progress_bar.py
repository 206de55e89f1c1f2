"""A bar on a terminal, and one line without."""

import io

from rich.console import Console

from study.console.progress_bar import show_progress


def test_show_progress_without_terminal_prints_one_line() -> None:
    output = io.StringIO()
    with show_progress(Console(file=output), "reading [3] …", 3) as advance:
        advance()
    assert output.getvalue() == "reading [3] …\n"


def test_show_progress_on_terminal_counts_and_is_erased() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with show_progress(console, "reading …", 3) as advance:
        for _ in range(3):
            advance()
    assert "reading …" in output.getvalue()
    assert "3/3" in output.getvalue()
    assert output.getvalue().endswith("\x1b[2K")
