"""The path of a report: a link in a terminal, plain elsewhere."""

import io
import sys
from pathlib import Path

import pytest

from bloodnets.storage.location import RemotePath
from study.console.report_link import open_report, print_report_path


class Terminal(io.StringIO):
    """Text stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_print_report_path_in_a_terminal_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    path = tmp_path / "a b" / "index.html"
    print_report_path(path, label="Report: ")
    assert terminal.getvalue().startswith("Report: ")
    assert f";file://{tmp_path}/a%20b/index.html\x1b\\{path}\x1b]8;;" in terminal.getvalue()


@pytest.mark.parametrize(
    "path",
    [Path("results/[bold]x", *["long"] * 30, "index.html"), RemotePath("s3://bucket/x/index.html")],
)
def test_print_report_path_in_a_pipe_is_one_plain_line(
    path: Path | RemotePath, capsys: pytest.CaptureFixture[str]
) -> None:
    print_report_path(path)
    assert capsys.readouterr().out == f"{path}\n"


@pytest.mark.parametrize("exists", [True, False])
def test_open_report_opens_the_address_of_the_file(
    tmp_path: Path, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_page(uri: str) -> bool:
        opened.append(uri)
        return exists

    monkeypatch.setattr("webbrowser.open", open_page)
    monkeypatch.chdir(tmp_path)
    assert open_report(Path("a b/index.html")) is exists
    assert opened == [f"file://{tmp_path}/a%20b/index.html"]
