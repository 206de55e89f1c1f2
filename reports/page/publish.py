"""Write the report of a study: one HTML page, Markdown, CSV and LaTeX tables, SVG and PNG figures.

    report/index.html   self-contained, makes no requests; its scripts only sort tables,
                        filter images, and switch heat maps and colors
    report/report.md    the same content in Markdown
    report/tables/      every table as .csv (unrounded), .md and .tex
    report/figures/     every figure as .svg and .png
    report/checklist.md, methods.md, references.bib
                        what a paper needs; only for a report of one study
    report/report.zip   all files but the page, to download at once

The report is made from the ledger, which is not changed, and from the test images if they are
available. Equal ledgers give equal reports.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ResourceError
from bloodnets.storage.local import replace_folder
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.format.escape import escape_formula, escape_latex, escape_markdown
from reports.format.table import Table
from reports.format.titles import make_title
from reports.ledger.ledger import Ledger
from reports.page.archive import write_archive
from reports.page.paper_files import make_paper_files
from reports.page.render import PageHeader, make_banner, make_environment, render_report
from reports.page.report_folder import require_report_folder
from reports.sections.elements import Section
from reports.sections.findings import Analysis, analyze
from reports.sections.order import make_sections

_ZERO_TOLERANCE = 1e-12


def write_report(
    ledger: Ledger,
    *,
    folder: Path | None = None,
    images: NDArray[np.uint8] | None = None,
    margin: float = DEFAULT_MARGIN,
) -> Path:
    """Write the report of a study from its ledger, with the test images if available.

    Args:
        ledger: Ledger of the study, which may be unfinished.
        folder: Folder of the report; None for `report` in the folder of the study.
        images: Images of the test split, uint8, shape (n, side, side, channels); None if not
            available.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.

    Returns:
        Local path of `index.html`.

    Raises:
        ConflictError: `folder` holds other files than a report.
        ResourceError: The report cannot be written.
    """
    if folder is not None:
        require_report_folder(folder)
    return write_analysis(
        analyze(ledger, images, margin=margin), folder or ledger.folder / "report"
    )


def write_analysis(analysis: Analysis, folder: Path, *, parallel: bool = False) -> Path:
    """Write the report of an analysis, without reading the ledger again.

    Args:
        analysis: Results from which the sections are made.
        folder: Folder of the report; an existing report is replaced.
        parallel: Whether to use a second process; see `make_sections`.

    Returns:
        Path of `index.html`.

    Raises:
        ResourceError: The report cannot be written.
    """
    loaded_study = analysis.study.loaded_study
    return publish_report(
        folder,
        PageHeader(
            title=make_title(loaded_study.study),
            study=loaded_study.study.name,
            data=analysis.context.data,
            banner=make_banner([loaded_study]),
            models=analysis.context.model_labels,
        ),
        make_sections(analysis, parallel=parallel),
        paper_files=make_paper_files(analysis),
    )


def publish_report(
    folder: Path,
    header: PageHeader,
    report_sections: Sequence[Section],
    *,
    paper_files: Mapping[str, str] | None = None,
) -> Path:
    """Write a report to `folder` and replace the existing one.

    The report is built next to `folder` and then moved, so a reader never sees half of a report.

    Args:
        folder: Folder of the report.
        header: What the page shows above the sections.
        report_sections: Sections in order.
        paper_files: Further texts by file name, from `make_paper_files`.

    Returns:
        Path of `index.html`.

    Raises:
        ResourceError: The report cannot be written.
    """
    new_folder = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new_folder, ignore_errors=True)
        _write_files(new_folder, header, report_sections)
        for name, text in (paper_files or {}).items():
            _write_text(new_folder / name, text)
        write_archive(new_folder)
        replace_folder(folder, new_folder)
    except OSError as error:
        raise ResourceError(f"cannot write the report to {folder}: {error}", path=folder) from error
    finally:
        shutil.rmtree(new_folder, ignore_errors=True)
    return folder / "index.html"


def _write_files(folder: Path, header: PageHeader, report_sections: Sequence[Section]) -> None:
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    page, markdown = render_report(header, report_sections)
    _write_text(folder / "index.html", page)
    _write_text(folder / "report.md", markdown)
    environments = {"md": make_environment(escape_markdown), "tex": make_environment(escape_latex)}
    for table in (table for part in report_sections for table in part.tables):
        for suffix, templates in environments.items():
            template = f"table_file.{suffix}"
            if table.long and suffix == "tex":
                template = "long_table.tex"
            text = templates.get_template(template).render(
                table=table, data=table.data or header.data
            )
            _write_text(folder / "tables" / f"{table.name}.{suffix}", text)
        _write_text(folder / "tables" / f"{table.name}.csv", _format_csv(table, header))
    for picture in (picture for part in report_sections for picture in part.figures):
        (folder / "figures" / f"{picture.name}.svg").write_bytes(picture.svg)
        (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)


def _format_csv(table: Table, header: PageHeader) -> str:
    """Format the unrounded values; the first two columns name the study and its data.

    No text is a formula for a spreadsheet. A table of several studies already has these columns.
    """
    frame = table.values.copy()
    if "study" not in frame:
        frame.insert(0, "study", header.study)
        frame.insert(1, "data", header.data.full)
    # Sums of rounding errors differ between hosts; p-values can really be this small.
    columns = [
        column
        for column in map(str, frame.select_dtypes("float").columns)
        if column != "p" and not column.startswith("p_")
    ]
    values = frame[columns]
    frame[columns] = values.mask(values.abs() < _ZERO_TOLERANCE, 0.0)
    texts = frame.columns.difference(frame.select_dtypes("number").columns)
    frame[texts] = frame[texts].map(escape_formula)
    return frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
