"""Show where a report is: as a link in a terminal, and in a browser."""

import webbrowser
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bloodnets.storage.location import StudyPath


def print_report_path(path: StudyPath, *, label: str = "") -> None:
    """Print the path of a report to standard output, in a terminal as a link to the file.

    Args:
        path: Path or address of `index.html`.
        label: Text before the path.
    """
    link = f"link {path.resolve().as_uri()}" if isinstance(path, Path) else ""
    Console(highlight=False).print(Text(label).append(str(path), style=link), soft_wrap=True)


def open_report(path: Path) -> bool:
    """Open a report in the browser of the user; return False if there is none."""
    return webbrowser.open(path.resolve().as_uri())
