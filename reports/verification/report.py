"""Check that a stored report follows from the ledger, by regenerating it and comparing."""

import html
import re
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, ResourceError
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.format.escape import escape_markdown
from reports.ledger.ledger import Ledger
from reports.page.publish import write_report

_GALLERY_KEY = "hardest"
"""Key of the only section with test images; it differs if the images are not available."""

_IMAGE_SOURCE = re.compile(r'src="data:image/[^"]*"')
_FIGURE_SUFFIXES = {".svg", ".png"}
_EXCERPT_LENGTH = 80
"""Number of characters that a message shows of a differing line."""


def check_report(ledger: Ledger, images: NDArray[np.uint8] | None) -> str:
    """Regenerate the report and compare every file except the figures with the stored one.

    For figures, only their names are compared, because their bytes depend on the version of
    matplotlib. The section of test images is compared if the images are available, or if the stored
    report shows none.

    Args:
        ledger: Ledger of the study.
        images: Test images, uint8, shape (n, 28, 28, 3); None if they are not available.

    Returns:
        Line that describes what was compared.

    Raises:
        ConflictError: A file differs; the message has the line and both texts.
        ResourceError: The new report cannot be written, or the stored one cannot be read.
    """
    try:
        stored = ledger.storage.local_copy("report")
    except OSError as error:
        raise ResourceError(
            f"cannot read the report: {error}", path=str(ledger.location / "report")
        ) from error
    if not stored.is_dir():
        return "There is no report to compare"
    page = ledger.read_bytes("report/index.html").decode(errors="replace")
    has_gallery = "data:image/png" in page
    skipped_headings = _get_gallery_headings(page) if has_gallery and images is None else ()
    try:
        with TemporaryDirectory() as temp_folder:
            new_report = Path(temp_folder) / "report"
            write_report(
                ledger,
                folder=new_report,
                images=images if has_gallery else None,
                margin=_read_margin(stored / "tables" / "pairs.csv"),
            )
            names = _compare_file_names(stored, new_report)
            for name in names:
                _compare_text(
                    name,
                    *(
                        _read_lines(folder / name, skipped_headings)
                        for folder in (stored, new_report)
                    ),
                )
    except OSError as error:
        raise ResourceError(f"cannot regenerate the report to compare it: {error}") from error
    skipped_text = "; test images not compared without the data file" if skipped_headings else ""
    return f"report: {len(names):,} pages and tables follow from the ledger{skipped_text}"


def _read_margin(pairs_path: Path) -> float:
    """Return the margin of equivalence with which a report was written."""
    try:
        margin = pd.read_csv(pairs_path, usecols=["margin"], nrows=1)["margin"]
        return float(margin.iloc[0])
    except (OSError, ValueError, IndexError):  # no pairs, or the comparison finds the damage
        return DEFAULT_MARGIN


def _get_gallery_headings(page: str) -> tuple[str, ...]:
    """Return the lines that begin the section of test images, in HTML and in Markdown."""
    section_tag = f'<section id="{_GALLERY_KEY}">'
    title = re.search(rf"{section_tag}\s*<h2>(.*?)</h2>", page)
    return (
        (section_tag, f"## {escape_markdown(html.unescape(title[1]))}") if title else (section_tag,)
    )


def _compare_file_names(stored: Path, expected: Path) -> list[str]:
    """Return the names of the files to compare, CSV first because it has all digits."""
    stored_names, expected_names = (
        {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        for folder in (stored, expected)
    )
    if missing := expected_names - stored_names:
        name = f"report/{min(missing)}"
        raise ConflictError(f"{name} is missing; a new report has it", path=name)
    if extra := stored_names - expected_names:
        name = f"report/{min(extra)}"
        raise ConflictError(f"{name} exists; a new report has no such file", path=name)
    text_names = (name for name in expected_names if Path(name).suffix not in _FIGURE_SUFFIXES)
    return sorted(text_names, key=lambda name: (not name.endswith(".csv"), name))


def _read_lines(path: Path, skipped_headings: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return numbered lines, without images and without the sections to skip."""
    text = _IMAGE_SOURCE.sub('src=""', path.read_text(encoding="utf-8", errors="replace"))
    lines, in_skipped = [], False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("<section", "## ")):
            in_skipped = line in skipped_headings
        if not in_skipped:
            lines.append((number, line))
    return lines


def _compare_text(
    name: str, stored: list[tuple[int, str]], expected: list[tuple[int, str]]
) -> None:
    for stored_line, expected_line in zip_longest(stored, expected):
        stored_text, expected_text = (
            stored_line[1] if stored_line else "",
            expected_line[1] if expected_line else "",
        )
        if stored_text != expected_text or stored_line is None or expected_line is None:
            start = next(
                (
                    i
                    for i, (a, b) in enumerate(zip(stored_text, expected_text, strict=False))
                    if a != b
                ),
                min(len(stored_text), len(expected_text)),
            )
            number = stored_line[0] if stored_line else "after the last"
            raise ConflictError(
                f"report/{name}, line {number}, is {_make_excerpt(stored_text, start)}; "
                f"a new report has {_make_excerpt(expected_text, start)}",
                path=f"report/{name}",
                value=stored_text,
            )


def _make_excerpt(line: str, position: int) -> str:
    """Return the part of a line around a position, in quotation marks."""
    start = max(0, position - _EXCERPT_LENGTH // 3)
    excerpt = line[start : start + _EXCERPT_LENGTH]
    return (
        f'"{"… " if start else ""}{excerpt}{" …" if start + _EXCERPT_LENGTH < len(line) else ""}"'
    )
