"""What a command shows while it prepares: a spinner in a terminal, a line elsewhere."""

import io

import pytest
from rich.console import Console

from study.console.phase import show_phase


def record_phase(*, is_terminal: bool, quiet: bool = False) -> tuple[str, str]:
    """Return what was written when a phase had begun, and when it was over."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, quiet=quiet, width=80)
    with show_phase(console, "starting [Ray] …"):
        begun = file.getvalue()
    return begun, file.getvalue()


def test_show_phase_outside_a_terminal_prints_one_line_when_it_begins() -> None:
    assert record_phase(is_terminal=False) == ("starting [Ray] …\n",) * 2


def test_show_phase_in_a_terminal_shows_the_text_and_removes_it() -> None:
    begun, ended = record_phase(is_terminal=True)
    assert "starting [Ray] …" in begun
    erase_line, show_cursor = "\x1b[2K", "\x1b[?25h"
    assert erase_line in ended[len(begun) :]
    assert show_cursor in ended[len(begun) :]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_show_phase_on_a_quiet_console_writes_nothing(is_terminal: bool) -> None:
    assert record_phase(is_terminal=is_terminal, quiet=True) == ("", "")
