"""The files of whole reports: complete, linked, self-contained, honest about their data."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from reports.ledger.states import DataKind
from reports.page import publish
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.page_parser import Page
from tests.helpers.report_frames import ReportedStudy

PNG = b"\x89PNG\r\n\x1a\n"
GRID_TABLES = (
    *("comparison", "training", "intervals", "unfinished", "pairwise", "effects", "cost"),
    *("pairwise-predictions", "votes", "votes-accuracy"),
    *(
        "equivalent-losses",
        "published-differences",
        "published",
        "benchmark",
        "claims",
        "per-class-mlnn",
    ),
    *("per-class-cnn", "confusion-mlnn", "confusion-cnn", "confusion-differences", "calibration"),
    *("calibration-bins", "misclassified", "settings", "class-counts", "probabilities", "roc"),
    *("recall-differences", "temperature-scaling"),
    *(
        f"{kind}-{family}"
        for kind in ("per-class-more", "confusion-rows", "confusion-columns")
        for family in ("mlnn", "cnn")
    ),
    *("checklist-claim", "checklist-tripod-ai"),
)
GRID_FIGURES = (
    *(
        f"{kind}-{family}"
        for kind in ("scores", "curves", "confusion", "calibration")
        for family in ("mlnn", "cnn")
    ),
    *("ranking", "effects", "confusion-difference", "cost", "roc", "roc-models"),
)


@pytest.fixture(scope="module")
def grid_report(reported_grid: ReportedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "report"
    return publish.write_analysis(reported_grid.analysis, folder).parent


@pytest.fixture(scope="module")
def synthetic_report(
    reported_synthetic: ReportedStudy, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("page") / "report"
    return publish.write_analysis(reported_synthetic.analysis, folder).parent


def test_report_of_a_grid_has_every_table_and_figure_in_every_format(grid_report: Path) -> None:
    tables = {path.name for path in (grid_report / "tables").iterdir()}
    figures = {path.name for path in (grid_report / "figures").iterdir()}
    assert tables == {f"{name}.{ext}" for name in GRID_TABLES for ext in ("csv", "md", "tex")}
    assert figures == {f"{name}.{ext}" for name in GRID_FIGURES for ext in ("svg", "png")}
    assert all(path.read_bytes().startswith(PNG) for path in grid_report.glob("figures/*.png"))
    assert all(b"<svg" in path.read_bytes() for path in grid_report.glob("figures/*.svg"))


def test_report_links_lead_to_anchors_and_files(grid_report: Path) -> None:
    page = Page(grid_report / "index.html")
    anchors = {attributes.get("id") for _, attributes in page.tags}
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    assert len(links) > 40
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (grid_report / link).is_file()
    text = (grid_report / "report.md").read_text(encoding="utf-8")
    images = re.findall(r"!\[.*\]\((.*)\)", text)
    assert len(images) == len(GRID_FIGURES)
    assert all((grid_report / image).is_file() for image in images)


def test_report_page_requests_nothing(grid_report: Path) -> None:
    tags = Page(grid_report / "index.html").tags
    assert not {tag for tag, _ in tags} & {"iframe", "object", "embed"}
    assert [attributes for tag, attributes in tags if tag == "script"] == [{}]  # one, inline
    sources = [str(a[key]) for _, a in tags for key in ("src", "srcset", "data") if key in a]
    sources += [str(a["href"]) for tag, a in tags if tag == "image"]
    kinds = Counter(source.partition(";base64,")[0] for source in sources)
    assert kinds == {"data:image/png": 1}
    assert [attributes["href"] for tag, attributes in tags if tag == "link"] == ["data:,"]


def test_report_page_has_the_rows_of_every_table(
    reported_grid: ReportedStudy, grid_report: Path
) -> None:
    tables = Page(grid_report / "index.html").tables
    shown_tables = [
        table
        for section in reported_grid.sections
        for table in (*section.tables, *(heat_map.table for heat_map in section.heat_maps))
        if table is not None and table.on_page
    ]
    for table in shown_tables:
        shown_rows = tables[f"table-{table.name}"][1:]
        for shown_row, row in zip(shown_rows, table.rows, strict=True):
            # The page repeats the name of a group, so that its rows can be sorted.
            assert shown_row[1:] == list(row[1:]), table.name
            assert shown_row[0] == row[0] or not row[0]


def test_report_has_no_number_that_is_none(grid_report: Path) -> None:
    text = (grid_report / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"\b(nan|inf|None)\b|\d{9}\.", text)


def test_report_csv_has_unrounded_values_and_names_the_data(
    reported_grid: ReportedStudy, grid_report: Path
) -> None:
    frame = pd.read_csv(grid_report / "tables" / "comparison.csv").set_index("configuration")
    # Of 360 images 320 are right, less 4 times 10, 11 and 12.
    assert frame.loc["mlnn-config-1", "test_accuracy"] == pytest.approx(276 / 360, abs=1e-8)
    assert set(frame["study"]) == {"full"}
    assert set(frame["data"]) == {reported_grid.analysis.context.data.full}


def test_report_of_synthetic_cells_says_so_in_every_file(synthetic_report: Path) -> None:
    suffixes = {".html", ".md", ".csv", ".tex"}
    paths = [path for path in synthetic_report.rglob("*") if path.suffix in suffixes]
    assert {path.suffix for path in paths} == suffixes
    for path in paths:
        content = path.read_text(encoding="utf-8")
        assert "SYNTHETIC" in content, path
        assert not re.search(r"\bpaper\b|published_|Published", content), path


def test_report_of_synthetic_cells_says_so_once_in_a_file_and_at_both_ends_of_the_page(
    synthetic_report: Path,
) -> None:
    page = Page(synthetic_report / "index.html")
    assert any(attributes.get("class") == "data mark" for _, attributes in page.tags)
    content = (synthetic_report / "index.html").read_text(encoding="utf-8")
    captions = re.findall(r"<(?:fig)?caption>(.*?)</(?:fig)?caption>", content, re.DOTALL)
    assert captions
    assert not any("SYNTHETIC" in caption for caption in captions)
    for part in ("header", "footer"):
        (text,) = re.findall(rf"<{part}>(.*?)</{part}>", content, re.DOTALL)
        assert text.count("SYNTHETIC") == 1
    paths = [*synthetic_report.glob("tables/*.md"), *synthetic_report.glob("tables/*.tex")]
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        seen = [line for line in lines if "SYNTHETIC" in line and not line.startswith("%")]
        assert len(seen) == 1, path


def test_write_report_of_equal_ledgers_gives_equal_files(
    synthetic_report: Path, tmp_path: Path
) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]}
    ledger = grid_builder.build_grid(tmp_path / "demo", matrices, kind=DataKind.SYNTHETIC)
    index = publish.write_report(ledger)
    assert index == ledger.folder / "report" / "index.html"
    assert_equal_files(synthetic_report, index.parent)


def test_write_analysis_parallel_gives_equal_files(
    reported_grid: ReportedStudy, grid_report: Path, tmp_path: Path
) -> None:
    index = publish.write_analysis(reported_grid.analysis, tmp_path / "report", parallel=True)
    assert_equal_files(grid_report, index.parent)


def assert_equal_files(report: Path, other_report: Path) -> None:
    names = [path.relative_to(report) for path in report.rglob("*") if path.is_file()]
    for name in names:
        assert (other_report / name).read_bytes() == (report / name).read_bytes(), name
