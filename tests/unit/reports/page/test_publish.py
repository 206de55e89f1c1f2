"""The report's folder: written as a whole or not at all, escaped, unrounded."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.format.table import Column, Table, make_table
from reports.ledger.ledger import Ledger
from reports.page import publish
from reports.page.render import PageHeader
from reports.sections.elements import Section
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.page_parser import Page
from tests.helpers.report_frames import OFFICIAL

EVIL = "<script>alert(1)</script>"
HEADER = PageHeader(title="t", study="s", data=OFFICIAL, banner=None)


def publish_table(table: Table, folder: Path) -> Path:
    """Write the report of one table; return the table's CSV file."""
    section = Section(key="k", title="T", tables=(table,))
    publish.publish_report(folder, HEADER, [section])
    return folder / "tables" / f"{table.name}.csv"


def test_report_tex_of_a_long_table_breaks_lines_and_pages(tmp_path: Path) -> None:
    columns = [Column(key="n", heading=("N", "o")), Column(key="x", heading=("X",), unit="prose")]
    frame = pd.DataFrame({"n": ["1a"], "x": ["50% of [it]"]})
    path = publish_table(make_table("t", "T", columns, frame, long=True), tmp_path / "report")
    tex = path.with_suffix(".tex").read_text(encoding="utf-8")
    assert re.search(r"\\begin\{longtable\}\{@\{\}l>\{.*\}p\{0.27\\textwidth\}@\{\}\}", tex)
    assert r"N o &" in tex
    assert r"1a & 50\% of {[}it] \\" in tex
    assert tex.count("{") == tex.count("}")


@pytest.fixture
def unfinished(tmp_path: Path) -> Ledger:
    """A study in which nothing has finished: its report has no figure, and is made at once."""
    return grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]},
        failed_trials={("cnn-config-1", 0): f"RuntimeError: {EVIL}"},
        missing_trials=[("cnn-config-2", 0)],
    )


def test_report_csv_has_no_rounding_errors_and_keeps_small_p_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1e-17, float("nan"), -0.5], "p_holm": [1e-46, 0.5, 1.0]})
    table = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    lines = publish_table(table, tmp_path / "report").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",")[-2:] for line in lines]
    assert rows == [["x", "p_holm"], ["0", "1e-46"], ["", "0.5"], ["-0.5", "1"]]


def test_report_csv_has_no_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({"class_name": ["=cmd(1)", None], "x": [-1, 2], "difference": [-0.5, 1]})
    table = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    lines = publish_table(table, tmp_path / "report").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[-3:] for line in lines[1:]] == [
        ["'=cmd(1)", "-1", "-0.5"],
        ["", "2", "1"],
    ]


def test_report_csv_of_several_studies_keeps_their_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"study": ["one"], "data": ["d"], "x": [1]})
    table = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    content = publish_table(table, tmp_path / "report").read_text(encoding="utf-8")
    assert content == "study,data,x\none,d,1\n"


def test_write_report_of_an_unfinished_study_has_rows_and_no_figure(unfinished: Ledger) -> None:
    index = publish.write_report(unfinished)
    rows = Page(index).tables["table-comparison"][1:]
    assert [row[4] for row in rows] == ["0 of 1", "0 of 1"]
    assert Page(index).tables["table-unfinished"][1][-1] == f"RuntimeError: {EVIL}"
    assert not list((index.parent / "figures").iterdir())


def test_write_report_to_a_folder_leaves_the_study_as_it_is(
    unfinished: Ledger, tmp_path: Path
) -> None:
    before = sorted(unfinished.folder.rglob("*"))
    index = publish.write_report(unfinished, folder=tmp_path / "new" / "here")
    assert index == tmp_path / "new" / "here" / "index.html"
    assert sorted(unfinished.folder.rglob("*")) == before


def test_write_report_to_a_folder_of_other_files_raises_conflict_error(
    unfinished: Ledger, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "paper.tex").write_text("mine")
    with pytest.raises(ConflictError) as caught:
        publish.write_report(unfinished, folder=folder)
    assert caught.value.path == str(folder)
    assert [path.name for path in folder.iterdir()] == ["paper.tex"]


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
        lines = path.read_text(encoding="utf-8").split("\n")
        assert not [line for line in lines if "<" in line and not line.startswith("    ")]  # code
    tex = (index.parent / "tables" / "class-counts.tex").read_text(encoding="utf-8")
    assert r"\$x\$" in tex
    assert r"\textbackslash{}input\{x\}" in tex
    with (index.parent / "tables" / "class-counts.csv").open(encoding="utf-8", newline="") as file:
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
    index = publish.publish_report(folder, HEADER, [])
    before = index.read_bytes()

    def fail_once_built(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_once_built)
    with pytest.raises(ResourceError) as caught:
        publish.publish_report(folder, HEADER, [])
    assert caught.value.path == str(folder)
    assert index.read_bytes() == before


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
