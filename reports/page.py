"""Writes a study's report: one HTML page, Markdown, CSV and LaTeX tables, SVG and PNG figures.

    report/index.html   self-contained: no script, no request to anywhere
    report/report.md    the same in Markdown
    report/tables/      every table as .csv (unrounded), .md and .tex
    report/figures/     every figure as .svg and .png

Everything is made from the ledger, which is not changed. Equal ledgers give equal reports.
"""

import contextlib
import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bloodnets.errors import MachineError
from reports.ledger import Ledger
from reports.parts import Section
from reports.sections import sections
from reports.typeset import DataWords, Table, data_words, latex, markdown

_TEMPLATES = Path(__file__).with_name("templates")


def write_report(ledger: Ledger) -> Path:
    """Write the study's report from its ledger alone.

    It is built beside its place and then moved there: a reader sees the old report or the new
    one, never half of one.

    Args:
        ledger: of a study, whatever has finished of it.

    Returns:
        Path of `index.html`.

    Raises:
        ConflictError: a trial's files cannot be read.
        MachineError: the report cannot be written.
    """
    data, parts = data_words(ledger.study.data), sections(ledger)
    place = ledger.folder / "report"
    new, old = (ledger.folder / f".report.{os.getpid()}.{name}" for name in ("new", "old"))
    try:
        shutil.rmtree(new, ignore_errors=True)
        _write(new, ledger.study.name, data, parts)
        _swap(new, place, old)
    except OSError as error:
        raise MachineError(f"cannot write the report to {place}: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return place / "index.html"


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


def _write(folder: Path, study: str, data: DataWords, parts: list[Section]) -> None:
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    everything = {"study": study, "data": data, "sections": parts}
    html, md, tex = _environment(None), _environment(markdown), _environment(latex)
    css = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    page = html.get_template("index.html").render(
        **everything,
        css=Markup(css),  # noqa: S704 - our own file
        css_hash=b64encode(sha256(css.encode()).digest()).decode(),
    )
    _save(folder / "index.html", page)
    _save(folder / "report.md", md.get_template("report.md").render(**everything))
    for table in (table for part in parts for table in part.tables):
        for suffix, environment in (("md", md), ("tex", tex)):
            text = environment.get_template(f"table.{suffix}").render(table=table, data=data)
            _save(folder / "tables" / f"{table.name}.{suffix}", text)
        _save(folder / "tables" / f"{table.name}.csv", _csv(table, study, data))
    for picture in (picture for part in parts for picture in part.pictures):
        (folder / "figures" / f"{picture.name}.svg").write_bytes(picture.svg)
        (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)


def _csv(table: Table, study: str, data: DataWords) -> str:
    """Unrounded values; the first two columns name the study and its data."""
    frame = table.values.copy()
    frame.insert(0, "study", study)
    frame.insert(1, "data", data.full)
    return frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def _environment(escape: Callable[..., Any] | None) -> Environment:
    """Templates whose every output is escaped: by `escape`, or for HTML if it is None."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _data_uri(svg: bytes) -> str:
    """An image without a file: a page with it inside makes no request."""
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def _save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
