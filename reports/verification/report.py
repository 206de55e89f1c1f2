"""Is a study's report the one that its ledger gives? It is made again and compared."""

import html
import re
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, MachineError
from reports.format.escape import markdown
from reports.ledger.ledger import Ledger
from reports.page.publish import write_report

_GALLERY = "hardest"
"""The key of the one section that holds test images, and so differs where they are not at hand."""

_PICTURE = re.compile(r'src="data:image/[^"]*"')
_DRAWN = {".svg", ".png"}
_SHOWN = 80
"""Characters of a line that differs, from a few before the difference."""


def check_report(ledger: Ledger, images: NDArray[np.uint8] | None) -> str:
    """Make the report again beside the stored one, and compare every file but the figures.

    Figures are only counted: another version of matplotlib draws other bytes. The section of
    test images is compared if the images are at hand, or if the stored report has none in it.

    Args:
        ledger: of the study.
        images: of test, uint8, shape (n, 28, 28, 3), if they are at hand.

    Returns:
        A line that says what was compared.

    Raises:
        ConflictError: names the first file that differs, the line, and what either says.
        MachineError: there is no room for another report, or the stored one cannot be read.
    """
    try:
        stored = ledger.files.fetch("report")
    except OSError as error:
        raise MachineError(f"cannot read the report: {error}") from error
    if not stored.is_dir():
        return "There is no report to compare"
    page = ledger.content("report/index.html").decode(errors="replace")
    gallery = "data:image/png" in page
    skipped = _gallery_heads(page) if gallery and images is None else ()
    try:
        with TemporaryDirectory() as place:
            made = Path(place) / "report"
            write_report(ledger, place=made, images=images if gallery else None)
            names = _same_names(stored, made)
            for name in names:
                _same_text(name, *(_lines(folder / name, skipped) for folder in (stored, made)))
    except OSError as error:
        raise MachineError(f"cannot make the report again and compare it: {error}") from error
    left_out = ", but for the test images, which need the data file" if skipped else ""
    return f"report: {len(names):,} pages and tables follow from the ledger{left_out}"


def _gallery_heads(page: str) -> tuple[str, ...]:
    """The lines that begin the section of test images, in HTML and in Markdown."""
    start = f'<section id="{_GALLERY}">'
    title = re.search(rf"{start}\s*<h2>(.*?)</h2>", page)
    return (start, f"## {markdown(html.unescape(title[1]))}") if title else (start,)


def _same_names(stored: Path, made: Path) -> list[str]:
    """The names of the files to compare, CSV first: there a number has all its digits."""
    own, wanted = (
        {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        for folder in (stored, made)
    )
    if missing := wanted - own:
        raise ConflictError(f"report/{min(missing)} is missing; the ledger gives one")
    if extra := own - wanted:
        raise ConflictError(f"report/{min(extra)} is there; the ledger gives no such file")
    texts = (name for name in wanted if Path(name).suffix not in _DRAWN)
    return sorted(texts, key=lambda name: (not name.endswith(".csv"), name))


def _lines(path: Path, skipped: tuple[str, ...]) -> list[tuple[int, str]]:
    """Numbered lines, without pictures, and without the sections that begin as in `skipped`."""
    text = _PICTURE.sub('src=""', path.read_text(encoding="utf-8", errors="replace"))
    lines, within = [], False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("<section", "## ")):
            within = line in skipped
        if not within:
            lines.append((number, line))
    return lines


def _same_text(name: str, stored: list[tuple[int, str]], made: list[tuple[int, str]]) -> None:
    for ours, theirs in zip_longest(stored, made):
        says, gives = ours[1] if ours else "", theirs[1] if theirs else ""
        if says != gives or ours is None or theirs is None:
            start = next(
                (i for i, (a, b) in enumerate(zip(says, gives, strict=False)) if a != b),
                min(len(says), len(gives)),
            )
            number = ours[0] if ours else "after the last"
            raise ConflictError(
                f"report/{name}, line {number}, says {_excerpt(says, start)}; "
                f"the ledger gives {_excerpt(gives, start)}"
            )


def _excerpt(line: str, at: int) -> str:
    """Some characters of a line around position `at`, in quotation marks."""
    start = max(0, at - _SHOWN // 3)
    shown = line[start : start + _SHOWN]
    return f'"{"… " if start else ""}{shown}{" …" if start + _SHOWN < len(line) else ""}"'
