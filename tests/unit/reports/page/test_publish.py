"""The report's files: complete, self-contained, escaped, replaced as a whole."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.format.table import Column, Table, make_table
from reports.ledger.ledger import Ledger
from reports.ledger.states import DataKind
from reports.page import publish
from reports.page.render import make_banner
from reports.sections.elements import Section
from tests.helpers import grid_builder
from tests.helpers.report_frames import ASYMMETRIC, OFFICIAL, ReportedStudy

EVIL = "<script>alert(1)</script>"
PNG = b"\x89PNG\r\n\x1a\n"
GRID_TABLES = (
    *("comparison", "training", "intervals", "unfinished", "pairs", "effects", "cost"),
    *("twins", "noise-floor", "published", "benchmark", "claims", "per-class-mlnn"),
    *("per-class-cnn", "confusion-mlnn", "confusion-cnn", "differences", "calibration"),
    *("calibration-bins", "hardest", "settings", "classes"),
)
GRID_FIGURES = (
    *(
        f"{kind}-{family}"
        for kind in ("scores", "train-loss", "val-macro-f1", "confusion", "calibration")
        for family in ("mlnn", "cnn")
    ),
    *("groups", "effects", "difference", "cost"),
)


class Page(HTMLParser):
    """Tags with their attributes, and the rows of every table as text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._open = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "table":
            self._rows = self.tables.setdefault(str(values["id"]), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._open:
            self._rows[-1][-1] += data


def publish_study(reported: ReportedStudy, folder: Path) -> Path:
    """Write the report of a study whose sections are made; return its folder."""
    loaded_study = reported.analysis.study.loaded_study
    index = publish.publish_report(
        folder,
        loaded_study.study.name,
        reported.analysis.context.data,
        make_banner([loaded_study]),
        reported.sections,
    )
    return index.parent


def publish_table(table: Table, folder: Path) -> Path:
    """Write the report of one table; return the table's CSV file."""
    section = Section(key="k", title="T", tables=(table,))
    publish.publish_report(folder, "s", OFFICIAL, None, [section])
    return folder / "tables" / f"{table.name}.csv"


@pytest.fixture(scope="module")
def grid_report(reported_grid: ReportedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_study(reported_grid, tmp_path_factory.mktemp("page") / "report")


@pytest.fixture(scope="module")
def synthetic_report(
    reported_synthetic: ReportedStudy, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return publish_study(reported_synthetic, tmp_path_factory.mktemp("page") / "report")


@pytest.fixture
def unfinished(tmp_path: Path) -> Ledger:
    """A study in which nothing has finished: its report has no figure, and is made at once."""
    return grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]},
        failed_trials={("cnn-config-1", 0): f"RuntimeError: {EVIL}"},
        missing_trials=[("cnn-config-2", 0)],
    )


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
    kinds = Counter(source.partition(";base64,")[0] for source in sources)
    assert kinds == {"data:image/svg+xml": len(GRID_FIGURES), "data:image/png": 24}
    assert [attributes["href"] for tag, attributes in tags if tag == "link"] == ["data:,"]


def test_report_page_has_the_rows_of_every_table(
    reported_grid: ReportedStudy, grid_report: Path
) -> None:
    tables = Page(grid_report / "index.html").tables
    for table in (table for section in reported_grid.sections for table in section.tables):
        shown_rows = tables[f"table-{table.name}"][1:]
        for shown_row, row in zip(shown_rows, table.rows, strict=True):
            # The page repeats the name of a group, so that its rows can be sorted.
            expected = [cell.replace(" %", "\N{NO-BREAK SPACE}%") for cell in row]
            assert shown_row[1:] == expected[1:], table.name
            assert shown_row[0] == expected[0] or not row[0]


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


def test_report_csv_has_no_rounding_errors_and_keeps_small_p_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1e-17, float("nan"), -0.5], "p_holm": [1e-46, 0.5, 1.0]})
    table = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    lines = publish_table(table, tmp_path / "report").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",")[-2:] for line in lines]
    assert rows == [["x", "p_holm"], ["0", "1e-46"], ["", "0.5"], ["-0.5", "1"]]


def test_report_csv_of_several_studies_keeps_their_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"study": ["one"], "data": ["d"], "x": [1]})
    table = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    content = publish_table(table, tmp_path / "report").read_text(encoding="utf-8")
    assert content == "study,data,x\none,d,1\n"


def test_report_of_synthetic_cells_says_so_in_every_file(synthetic_report: Path) -> None:
    suffixes = {".html", ".md", ".csv", ".tex"}
    paths = [path for path in synthetic_report.rglob("*") if path.suffix in suffixes]
    assert {path.suffix for path in paths} == suffixes
    for path in paths:
        content = path.read_text(encoding="utf-8")
        assert "SYNTHETIC" in content, path
        assert not re.search(r"\bpaper\b|published_|Published", content), path


def test_report_of_synthetic_cells_says_so_in_every_caption(synthetic_report: Path) -> None:
    page = Page(synthetic_report / "index.html")
    images = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert images
    assert all("SYNTHETIC" in alt for alt in images)
    assert any(attributes.get("class") == "data mark" for _, attributes in page.tags)
    content = (synthetic_report / "index.html").read_text(encoding="utf-8")
    captions = re.findall(r"<(?:fig)?caption>(.*?)</(?:fig)?caption>", content, re.DOTALL)
    assert len(captions) == len(images) + len(page.tables)
    assert all("SYNTHETIC" in caption for caption in captions)


def test_write_report_of_equal_ledgers_gives_equal_files(
    synthetic_report: Path, tmp_path: Path
) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]}
    ledger = grid_builder.build_grid(tmp_path / "demo", matrices, kind=DataKind.SYNTHETIC)
    index = publish.write_report(ledger)
    assert index == ledger.folder / "report" / "index.html"
    paths = [path for path in synthetic_report.rglob("*") if path.is_file()]
    for path in paths:
        other = index.parent / path.relative_to(synthetic_report)
        assert other.read_bytes() == path.read_bytes(), path


def test_write_report_of_an_unfinished_study_has_rows_and_no_figure(unfinished: Ledger) -> None:
    index = publish.write_report(unfinished)
    rows = Page(index).tables["table-comparison"][1:]
    assert [row[2] for row in rows] == ["0 of 1", "0 of 1"]
    assert Page(index).tables["table-unfinished"][1][-1] == f"RuntimeError: {EVIL}"
    assert not list((index.parent / "figures").iterdir())


def test_write_report_to_a_folder_leaves_the_study_as_it_is(
    unfinished: Ledger, tmp_path: Path
) -> None:
    before = sorted(unfinished.folder.rglob("*"))
    index = publish.write_report(unfinished, folder=tmp_path / "new" / "here")
    assert index == tmp_path / "new" / "here" / "index.html"
    assert sorted(unfinished.folder.rglob("*")) == before


def test_write_report_names_from_users_stay_text(tmp_path: Path) -> None:
    class_names = (EVIL, "$x$", "a|b", "[l](http://x)", "{{ 7 * 7 }}", "5 %", "_u_", "\\input{x}")
    ledger = grid_builder.build_grid(
        tmp_path / f"{EVIL.replace('/', '')} & $x_1$ | *b* \\",
        {EVIL: [ASYMMETRIC]},
        missing_trials=[(EVIL, 0)],
        class_names=class_names,
    )
    index = publish.write_report(ledger)
    page = Page(index)
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    assert page.tables["table-settings"][1][0] == EVIL
    for path in index.parent.rglob("*.md"):
        assert "<" not in path.read_text(encoding="utf-8")
    tex = (index.parent / "tables" / "classes.tex").read_text(encoding="utf-8")
    assert r"\$x\$" in tex
    assert r"\textbackslash{}input\{x\}" in tex
    with (index.parent / "tables" / "classes.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["class_name"] for row in csv.DictReader(file)) == class_names


def test_write_report_again_replaces_the_old_one_whole(unfinished: Ledger) -> None:
    index = publish.write_report(unfinished)
    first = index.read_bytes()
    (index.parent / "tables" / "stale.csv").write_text("old")
    assert publish.write_report(unfinished).read_bytes() == first
    assert not (index.parent / "tables" / "stale.csv").exists()
    assert not list(unfinished.folder.glob(".report*"))


def test_publish_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    columns, frame = [Column(key="x", heading=("X",))], pd.DataFrame({"x": [1]})
    publish_table(make_table("t", "T", columns, frame), folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ResourceError) as caught:
        publish_table(make_table("no-folder/t", "T", columns, frame), folder)
    assert caught.value.path == str(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_publish_report_that_cannot_be_moved_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, replace = tmp_path / "report", Path.replace
    index = publish.publish_report(folder, "old", OFFICIAL, None, [])
    before = index.read_bytes()

    def fail_once_built(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_once_built)
    with pytest.raises(ResourceError) as caught:
        publish.publish_report(folder, "new", OFFICIAL, None, [])
    assert caught.value.path == str(folder)
    assert index.read_bytes() == before


def test_require_report_folder_accepts_nothing_and_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    publish.require_report_folder(folder)
    folder.mkdir()
    publish.require_report_folder(folder)
    publish.publish_report(folder, "s", OFFICIAL, None, [])
    publish.require_report_folder(folder)


@pytest.mark.parametrize("name", ["notes.txt", "index.html", "figures"])
def test_require_report_folder_with_foreign_files_raises_conflict_error(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConflictError) as caught:
        publish.require_report_folder(tmp_path)
    assert caught.value.path == str(tmp_path)
    assert name in caught.value.problem
    assert caught.value.remedy is not None


def test_require_report_folder_that_is_a_file_raises_conflict_error(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("mine")
    with pytest.raises(ConflictError) as caught:
        publish.require_report_folder(path)
    assert caught.value.path == str(path)


def test_write_report_imports_neither_torch_nor_ray_nor_pyplot(unfinished: Ledger) -> None:
    code = (
        "import sys; from pathlib import Path; from reports.ledger.ledger import Ledger\n"
        "from reports.page.publish import write_report\n"
        f"write_report(Ledger(Path({str(unfinished.folder)!r})))\n"
        "heavy = {'torch', 'ray', 'medmnist', 'optuna', 'matplotlib.pyplot'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(publish.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr
