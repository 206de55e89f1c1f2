"""Check that a stored report follows from the ledger, by regenerating it and comparing."""

import re
import zlib
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, ResourceError
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.ledger.event_log import EVENTS_FILE, compute_sha256
from reports.ledger.ledger import Ledger
from reports.ledger.states import EventKind
from reports.page.archive import ARCHIVE_FILE, find_difference
from reports.page.publish import write_report
from reports.verification.agreement import expect_equal
from reports.verification.figures import FIGURE_SUFFIXES, compare_figures

_PAGE = "report/index.html"
_EMBEDDED_IMAGES = re.compile(r'href="data:image/png;base64,([^"]*)"')
_INLINE_FIGURE = re.compile(r'<svg [^>]*data-creator="([^"]*)".*?</svg>', re.DOTALL)
_INLINE_TEXT = re.compile(r'(?:aria-label|data-model|data-tip)="[^"]*"')
_EXCERPT_LENGTH = 80
"""Number of characters that a message shows of a differing line."""


def check_report(ledger: Ledger, images: NDArray[np.uint8] | None) -> str:
    """Regenerate the report and compare every file with the stored one.

    Pages and tables are compared line by line, so that each section, table and figure must be in
    its place. Figures are compared by `compare_figures`. The figures in a page of another version
    of matplotlib are compared by their texts and values. The pixels of test images are compared if
    the images are available.

    Args:
        ledger: Ledger of the study.
        images: Test images, uint8, shape (n, side, side, channels); None if they are
            not available.

    Returns:
        Line that describes what was compared.

    Raises:
        ConflictError: A file differs; for text, the message has the line and both texts.
        ResourceError: The new report cannot be written, or the stored one cannot be read.
    """
    try:
        stored = ledger.files.storage.local_copy("report")
    except OSError as error:
        raise ResourceError(
            f"cannot read the report: {error}", path=str(ledger.location / "report")
        ) from error
    if not stored.is_dir():
        return "There is no report to compare"
    has_gallery = b"data:image/png" in ledger.files.read(_PAGE)
    new_images = (_make_placeholders(ledger) if images is None else images) if has_gallery else None
    try:
        with TemporaryDirectory() as temp_folder:
            new_report = Path(temp_folder) / "report"
            write_report(
                ledger,
                folder=new_report,
                images=new_images,
                margin=_read_margin(stored / "tables" / "pairwise.csv"),
            )
            names = _compare_file_names(stored, new_report)
            is_same_version = _list_creators(stored) == _list_creators(new_report)
            for name in names:
                stored_lines, new_lines = (
                    _read_lines(
                        folder, name, with_pixels=images is not None, with_drawings=is_same_version
                    )
                    for folder in (stored, new_report)
                )
                _compare_text(name, stored_lines, new_lines)
            figures_text = compare_figures(stored / "figures", new_report / "figures")
            _check_archive(stored)
    except OSError as error:
        raise ResourceError(f"cannot regenerate the report to compare it: {error}") from error
    except ConflictError as error:
        raise _add_remedy(ledger, error) from error
    _check_logged_page(ledger)
    without_data = has_gallery and images is None
    skipped_text = "; test images not compared without the data file" if without_data else ""
    pages_text = f"report: {len(names):,} pages and tables follow from the ledger"
    return f"{pages_text}; {figures_text}{skipped_text}"


def _read_margin(pairs_path: Path) -> float:
    """Return the margin of equivalence with which a report was written."""
    try:
        margin = pd.read_csv(pairs_path, usecols=["margin"], nrows=1)["margin"]
        return float(margin.iloc[0])
    except (OSError, ValueError, IndexError):  # no pairs, or the comparison finds the damage
        return DEFAULT_MARGIN


def _make_placeholders(ledger: Ledger) -> NDArray[np.uint8]:
    """Return black test images, with which a new report has the same text as with the real ones."""
    data = ledger.study.data
    n_images = sum(data.class_counts["test"])
    return np.zeros((n_images, data.side, data.side, data.channels), dtype=np.uint8)


def _add_remedy(ledger: Ledger, error: ConflictError) -> ConflictError:
    """Return the error with a remedy if the log has other events after the last report."""
    kinds = [event.kind for event in ledger.log.read_events()]
    if EventKind.REPORTED not in kinds or kinds[-1] is EventKind.REPORTED:
        return error
    return error.with_remedy(
        f"{EVENTS_FILE} has events after the last report; write it again with `bloodstudy report`"
    )


def _check_logged_page(ledger: Ledger) -> None:
    """Check that the page is the one in the log, if its last event is a report.

    A report that was written while the study ran is not in the log.
    """
    events = ledger.log.read_events()
    if events and events[-1].kind is EventKind.REPORTED:
        sha256 = compute_sha256(ledger.files.read(_PAGE))
        expect_equal(_PAGE, "SHA-256", sha256, events[-1].sha256, EVENTS_FILE)


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
    other_suffixes = {*FIGURE_SUFFIXES, Path(ARCHIVE_FILE).suffix}
    text_names = (name for name in expected_names if Path(name).suffix not in other_suffixes)
    return sorted(text_names, key=lambda name: (not name.endswith(".csv"), name))


def _check_archive(stored: Path) -> None:
    """Check that the archive has the other files of the report, which were compared.

    Its bytes are not compared, because they depend on the version of the compression library.
    """
    path = f"report/{ARCHIVE_FILE}"
    try:
        name = find_difference(stored)
    except (BadZipFile, NotImplementedError, zlib.error) as error:
        raise ConflictError(f"{path} is damaged: {error}", path=path) from error
    if name is not None:
        raise ConflictError(f"{path} has another {name} than the report", path=path)


def _list_creators(report: Path) -> set[str]:
    """Return the programs that drew the figures in a page."""
    page = (report / Path(_PAGE).name).read_text(encoding="utf-8", errors="replace")
    return set(_INLINE_FIGURE.findall(page))


def _read_lines(
    folder: Path, name: str, *, with_pixels: bool, with_drawings: bool
) -> list[tuple[int, str]]:
    """Return the numbered lines of a file in a form that can be compared.

    Args:
        folder: Folder of the report.
        name: Path of the file in the folder.
        with_pixels: Whether test images are replaced by their hashes, otherwise by nothing.
        with_drawings: Whether figures in a page are kept, otherwise only their texts and values.
    """
    text = _EMBEDDED_IMAGES.sub(
        lambda match: f'href="{compute_sha256(match[1].encode()) if with_pixels else ""}"',
        (folder / name).read_text(encoding="utf-8", errors="replace"),
    )
    if not with_drawings:
        text = _INLINE_FIGURE.sub(lambda match: " ".join(_INLINE_TEXT.findall(match[0])), text)
    return list(enumerate(text.split("\n"), start=1))


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
