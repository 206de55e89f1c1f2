"""Writes a study's report: one HTML page, Markdown, CSV and LaTeX tables, SVG and PNG figures.

    report/index.html   self-contained: no request to anywhere; its script only sorts and switches
    report/report.md    the same in Markdown
    report/tables/      every table as .csv (unrounded), .md and .tex
    report/figures/     every figure as .svg and .png

Everything is made from the ledger, which is not changed, and from the test images where they are at
hand. Equal ledgers give equal reports.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, MachineError
from reports.format.escape import latex, markdown
from reports.format.table import Table
from reports.format.text import DataWords
from reports.ledger.ledger import Ledger
from reports.page.render import Banner, banner, environment, render
from reports.sections.elements import Section
from reports.sections.findings import findings
from reports.sections.order import sections

_REPORT = {"index.html", "report.md", "tables", "figures"}


_MARK = b'<p class="kind">bloodstudy report</p>'


_ROUNDING = 1e-12


def write_report(
    ledger: Ledger, *, place: Path | None = None, images: NDArray[np.uint8] | None = None
) -> Path:
    """Write the study's report from its ledger, and the test images if they are at hand.

    Args:
        ledger: of a study, whatever has finished of it.
        place: the report's folder; `report` in the study's if None.
        images: of the test split, uint8, shape (n, 28, 28, 3), where the data are at hand.

    Returns:
        Path of `index.html`, on this machine.

    Raises:
        ConflictError: something else than a report is at `place`.
        MachineError: the report cannot be written.
    """
    if place is not None:
        refuse_others(place)
    found = findings(ledger, images)
    name, notice = ledger.study.name, banner([found.evidence])
    return publish(place or ledger.folder / "report", name, found.data, notice, sections(found))


def publish(
    place: Path, study: str, data: DataWords, notice: Banner | None, parts: Sequence[Section]
) -> Path:
    """Write a report to the folder `place`; what was there goes.

    It is built beside its place and then moved there: a reader sees the old report or the new
    one, never half of one.

    Args:
        place: of the report.
        study: its name.
        data: its data's.
        notice: what was left out.
        parts: in order.

    Returns:
        Path of `index.html`.

    Raises:
        MachineError: the report cannot be written.
    """
    new, old = (place.with_name(f".{place.name}.{os.getpid()}.{name}") for name in ("new", "old"))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        _write(new, study, data, notice, parts)
        _swap(new, place, old)
    except OSError as error:
        raise MachineError(f"cannot write the report to {place}: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return place / "index.html"


def refuse_others(place: Path) -> None:
    """Refuse a folder that a user named and that holds anything but a report of ours.

    Raises:
        ConflictError: it does, or it is a file.
        MachineError: it cannot be read.
    """
    try:
        names = {path.name for path in place.iterdir()} if place.exists() else set()
        index = place / "index.html"
        ours = index.is_file() and _MARK in index.read_bytes()
    except NotADirectoryError as error:
        raise ConflictError(f"{place} is a file; choose another --output") from error
    except OSError as error:
        raise MachineError(f"cannot read {place}: {error}") from error
    # A folder of tables and figures may be somebody's paper.
    if others := names - _REPORT if ours else names:
        raise ConflictError(
            f"{place} holds something else than a report ({min(others)}); choose another --output"
        )


def _swap(new: Path, place: Path, old: Path) -> None:
    """Put the folder `new` at `place`; what was there goes, or comes back if that fails."""
    with contextlib.suppress(FileNotFoundError):
        place.replace(old)
    try:
        new.replace(place)
    except OSError:
        if old.exists():
            old.replace(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(
    folder: Path, study: str, data: DataWords, notice: Banner | None, parts: Sequence[Section]
) -> None:
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    for name, text in zip(
        ("index.html", "report.md"), render(study, data, notice, parts), strict=True
    ):
        _save(folder / name, text)
    environments = {"md": environment(markdown), "tex": environment(latex)}
    for table in (table for part in parts for table in part.tables):
        for suffix, templates in environments.items():
            text = templates.get_template(f"table.{suffix}").render(table=table, data=data)
            _save(folder / "tables" / f"{table.name}.{suffix}", text)
        _save(folder / "tables" / f"{table.name}.csv", _csv(table, study, data))
    for picture in (picture for part in parts for picture in part.pictures):
        (folder / "figures" / f"{picture.name}.svg").write_bytes(picture.svg)
        (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)


def _csv(table: Table, study: str, data: DataWords) -> str:
    """Unrounded values; the first two columns name the study and its data.

    A table of several studies names each row's own.
    """
    frame = table.values.copy()
    if "study" not in frame:
        frame.insert(0, "study", study)
        frame.insert(1, "data", data.full)
    for column in map(str, frame.select_dtypes("float").columns):
        # A sum of rounding errors differs from machine to machine; a p-value may be that small.
        if column != "p" and not column.startswith("p_"):
            frame[column] = frame[column].mask(frame[column].abs() < _ROUNDING, 0.0)
    return frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def _save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
