"""The report's files: complete, self-contained, escaped, honest about their data."""

import csv
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bloodnets.errors import ResourceError
from reports.format.escape import escape_latex, escape_markdown
from reports.format.table import Column, make_table
from reports.format.text import DataLabel, make_class_label, make_data_label
from reports.format.units import BLANK
from reports.ledger.ledger import Ledger
from reports.ledger.records import DataRecord
from reports.ledger.states import DataKind
from reports.page import publish
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC

EVIL = "<script>alert(1)</script>"
SUFFIXES = {"index.html", "report.md", "comparison.csv", "comparison.md", "comparison.tex"}
PNG = b"\x89PNG\r\n\x1a\n"


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


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two families with three seeds, a failed trial and a missing one."""
    matrices = grid_builder.make_published_matrices(3)
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("page") / "full",
        {name: matrices[name] for name in ("mlnn-config-1", "cnn-config-1", "cnn-config-3")},
        failed_trials={("cnn-config-1", 1): "loss is nan in epoch 3"},
        missing_trials=[("cnn-config-3", 0)],
    )
    return publish.write_report(ledger).parent


@pytest.fixture(scope="module")
def synthetic_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "demo"
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]}
    return publish.write_report(
        grid_builder.build_grid(folder, matrices, kind=DataKind.SYNTHETIC)
    ).parent


def unfinished(folder: Path) -> Ledger:
    """A study in which nothing has finished: its report has no figure, and is made at once."""
    return grid_builder.build_grid(
        folder,
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]},
        failed_trials={("cnn-config-1", 0): f"RuntimeError: {EVIL}"},
        missing_trials=[("cnn-config-2", 0)],
    )


def test_every_table_and_figure_is_there_in_every_format(full: Path) -> None:
    tables = {path.name for path in (full / "tables").iterdir()}
    names = ["comparison", "training", "unfinished", "per-class-mlnn", "per-class-cnn"]
    names += ["confusion-mlnn", "confusion-cnn", "twins", "settings", "classes", "intervals"]
    names += ["pairs", "effects", "noise-floor", "published", "benchmark", "claims"]
    names += ["differences", "calibration", "calibration-bins", "hardest", "cost"]
    assert tables == {f"{name}.{suffix}" for name in names for suffix in ("csv", "md", "tex")}
    kinds = ["scores", "train-loss", "val-macro-f1", "confusion", "calibration"]
    figures = {path.name for path in (full / "figures").iterdir()}
    figure_names = [f"{kind}-{family}" for kind in kinds for family in ("mlnn", "cnn")]
    figure_names += ["groups", "effects", "difference", "cost"]
    assert figures == {f"{name}.{suffix}" for name in figure_names for suffix in ("svg", "png")}
    assert all(path.read_bytes().startswith(PNG) for path in full.glob("figures/*.png"))


def test_links_of_both_pages_lead_to_files(full: Path) -> None:
    anchors = {tag[1].get("id") for tag in Page(full / "index.html").tags}
    links = [str(a["href"]) for tag, a in Page(full / "index.html").tags if tag == "a"]
    assert len(links) > 40
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (full / link).is_file()
    images = re.findall(r"!\[.*\]\((.*)\)", (full / "report.md").read_text(encoding="utf-8"))
    assert len(images) == 14
    assert all((full / image).is_file() for image in images)


def test_the_page_asks_for_nothing_from_elsewhere(full: Path) -> None:
    tags = Page(full / "index.html").tags
    assert not {tag for tag, _ in tags} & {"iframe", "object", "embed"}
    assert [a for tag, a in tags if tag == "script"] == [{}]  # one, inline
    sources = [str(a[key]) for _, a in tags for key in ("src", "srcset", "data") if key in a]
    assert len(sources) == 14
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert [a["href"] for tag, a in tags if tag == "link"] == ["data:,"]
    policy = next(str(a["content"]) for _, a in tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_comparison_shows_mean_spread_and_number_of_seeds(full: Path) -> None:
    head, *rows = Page(full / "index.html").tables["table-comparison"]
    shown = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    row = shown["mlnn-config-1"]
    assert row["Loss andoptimizer"] == "CrossEntropy + SGD"
    assert row["Seeds"] == "3"
    assert row["Accuracy(%)"] == "88.04 ± 0.58"
    assert shown["cnn-config-1"]["Seeds"] == "2 of 3"
    cost = ["Parameters(millions)", "MFLOPan image", "Time ofa trial(s)", "Imagesa second"]
    # 30, 33 and 36 epochs of 2.5 s; 11,959 images in each.
    assert [row[key] for key in cost] == ["4.18", "8.35", "82.5", "4,784"]
    head, *rows = Page(full / "index.html").tables["table-published"]
    assert rows[0][:2] == ["mlnn-config-1", "88.56"]


def test_failed_and_missing_trials_are_named_with_their_reason(full: Path) -> None:
    rows = Page(full / "index.html").tables["table-unfinished"][1:]
    assert rows == [
        ["cnn-config-1", "1", "failed", "3", "2", "loss is nan in epoch 3"],
        [
            "cnn-config-3",
            "0",
            "missing",
            BLANK,
            BLANK,
            "not in the ledger: not run yet, or interrupted",
        ],
    ]
    summary = (full / "report.md").read_text(encoding="utf-8").split("## ")[1]
    assert "Of 9 planned trials: 1 failed, 1 missing" in summary


def test_the_papers_own_slip_is_told(full: Path) -> None:
    text = (full / "report.md").read_text(encoding="utf-8")
    assert "listed at 88.56 %; the weighted F1 of its own matrix is 88.66 %." in text


def test_csv_holds_unrounded_values_and_names_the_data(full: Path) -> None:
    frame = pd.read_csv(full / "tables" / "comparison.csv").set_index("configuration")
    matrices = grid_builder.make_published_matrices(3)["mlnn-config-1"]
    expected = np.mean([np.trace(matrix) / 3421 for matrix in matrices])
    assert frame.loc["mlnn-config-1", "test_accuracy"] == pytest.approx(expected, abs=1e-8)
    assert set(frame["data"]) == {
        "official BloodMNIST (bloodmnist.npz, MD5 7053d0359d879ad8a5505303e11de1dc)"
    }


def test_csv_holds_no_rounding_errors_and_keeps_what_is_not_known() -> None:
    frame = pd.DataFrame({"x": [1e-17, float("nan"), -0.5], "p_holm": [1e-46, 0.5, 1.0]})
    data = DataLabel(warning="", short="d", full="d")
    made = make_table("t", "T", [Column(key="x", heading=("X",))], frame)
    rows = [line.split(",")[-2:] for line in publish._format_csv(made, "s", data).splitlines()]
    assert rows == [["x", "p_holm"], ["0", "1e-46"], ["", "0.5"], ["-0.5", "1"]]


def test_drawings_are_marked_in_every_file_and_beside_nothing_published(
    synthetic_report: Path,
) -> None:
    texts = [
        path
        for path in synthetic_report.rglob("*")
        if path.suffix in {".html", ".md", ".csv", ".tex"}
    ]
    assert {path.name for path in texts} >= SUFFIXES
    for path in texts:
        content = path.read_text(encoding="utf-8")
        assert "SYNTHETIC" in content, path
        assert not re.search(r"\bpaper\b|published_|Published", content), path
    html = Page(synthetic_report / "index.html")
    images = [str(a["alt"]) for tag, a in html.tags if tag == "img"]
    assert images
    assert all("SYNTHETIC" in alt for alt in images)
    assert any(a.get("class") == "data mark" for _, a in html.tags)
    content = (synthetic_report / "index.html").read_text(encoding="utf-8")
    captions = re.findall(r"<(?:fig)?caption>(.*?)</(?:fig)?caption>", content, re.DOTALL)
    assert len(captions) == len(images) + len(html.tables)
    assert all("SYNTHETIC" in caption for caption in captions)


def test_one_seed_is_said_to_have_no_spread(synthetic_report: Path) -> None:
    text = (synthetic_report / "report.md").read_text(encoding="utf-8")
    assert "cnn-config-1 and cnn-config-3 share the highest macro F1" in text
    assert "There is one seed" in text
    assert "Of 360 predictions on test, 0 differ; 0 are expected." in text
    assert "±" not in text


def test_of_one_configuration_none_is_the_highest(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    text = publish.write_report(ledger).with_name("report.md").read_text(encoding="utf-8")
    assert "cnn-config-1 has a macro F1 on test of" in text
    assert "highest macro F1" not in text


def test_a_file_that_is_not_official_is_a_landmark_only(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC]}
    ledger = grid_builder.build_grid(
        tmp_path / "s", matrices, kind=DataKind.FILE, missing_trials=[("cnn-config-1", 0)]
    )
    text = publish.write_report(ledger).with_name("report.md").read_text(encoding="utf-8")
    assert "so its values are a landmark and are not judged" in text
    assert "my\\_cells.npz, SHA-256 " + "0123456789abcdef" * 4 in text


def test_a_study_with_nothing_finished_says_so(tmp_path: Path) -> None:
    index = publish.write_report(unfinished(tmp_path / "s"))
    text = index.with_name("report.md").read_text(encoding="utf-8")
    assert "No trial has finished" in text
    rows = Page(index).tables["table-comparison"][1:]
    assert [row[2] for row in rows] == ["0 of 1", "0 of 1"]
    assert not list((index.parent / "figures").iterdir())


def test_configurations_without_a_common_seed_have_a_report(tmp_path: Path) -> None:
    matrices = grid_builder.make_published_matrices(2)
    names = ("cnn-config-1", "cnn-config-2", "mlnn-config-1")
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {name: matrices[name] for name in names},
        missing_trials=[("cnn-config-1", 0), ("cnn-config-2", 1)],
        failed_trials={("mlnn-config-1", 1): "killed"},
    )
    index = publish.write_report(ledger)
    text = index.with_name("report.md").read_text(encoding="utf-8")
    assert "The pattern of confusion" in text
    assert not re.search(r"\b(nan|inf|None)\b|\d{9}\.", text)
    pairs = pd.read_csv(index.parent / "tables" / "pairs.csv")
    assert list(zip(pairs["a"], pairs["b"], strict=True)) == [("cnn-config-2", "mlnn-config-1")]


def test_names_from_users_stay_text(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / f"{EVIL.replace('/', '')} & $x_1$ | *b* \\",
        {EVIL: [ASYMMETRIC]},
        missing_trials=[(EVIL, 0)],
        class_names=(
            EVIL,
            "$x$",
            "a|b",
            "[l](http://x)",
            "{{ 7 * 7 }}",
            "5 %",
            "_u_",
            "\\input{x}",
        ),
    )
    index = publish.write_report(ledger)
    assert [a for tag, a in Page(index).tags if tag == "script"] == [{}]  # the page's own
    assert Page(index).tables["table-settings"][1][0] == EVIL
    for path in index.parent.rglob("*.md"):
        assert "<" not in path.read_text(encoding="utf-8")
    tex = (index.parent / "tables" / "classes.tex").read_text(encoding="utf-8")
    assert r"\$x\$" in tex
    assert r"\textbackslash{}input\{x\}" in tex
    with (index.parent / "tables" / "classes.csv").open(encoding="utf-8", newline="") as file:
        assert [row["class_name"] for row in csv.DictReader(file)] == list(
            ledger.study.data.class_names
        )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & $1 #_{}", r"50 \% \& \$1 \#\_\{\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("94.20 ± 0.31", r"94.20\,$\pm$\,0.31"),
        ("[a]*\nb", "{[}a]{*} b"),
    ],
)
def test_latex_is_escaped(text: str, escaped: str) -> None:
    assert escape_latex(text) == escaped


def test_markdown_is_escaped() -> None:
    assert escape_markdown("<b>_a_|`c`[d](e)\n$f$ & g") == (
        r"&lt;b&gt;\_a\_\|\`c\`\[d\](e) \$f\$ &amp; g"
    )


def test_tables_show_a_group_once_and_a_dash_for_an_unknown_spread() -> None:
    frame = pd.DataFrame({"g": ["a", "a", "b"], "x": [0.5, 0.25, float("nan")]})
    frame["x_sd"] = [0.01, float("nan"), float("nan")]
    columns = (Column(key="g", heading=("G",)), Column(key="x", heading=("X",), unit="percent"))
    made = make_table("t", "T", (*columns, Column(key="absent", heading=("A",))), frame, group="g")
    assert made.rows == (("a", "50.00 ± 1.00"), ("", f"25.00 ± {BLANK}"), ("b", BLANK))
    assert made.rules == {2}


def test_class_labels_are_short_and_distinct() -> None:
    names = (grid_builder.CLASS_NAMES[3], "x" * 99, "x" * 99, "(odd)")
    labels = [make_class_label(i, name) for i, name in enumerate(names)]
    assert labels[0] == "0 immature granulocytes"
    assert len(set(labels)) == 4
    assert max(map(len, labels)) <= 26


def test_data_are_named() -> None:
    record = DataRecord(
        kind=DataKind.FILE,
        name="c.npz",
        md5="m",
        sha256="f" * 64,
        class_names=(),
        class_counts={},
        path="/c.npz",
        color_stats=grid_builder.COLOR_STATS,
    )
    words = make_data_label(record)
    assert words.full == "c.npz, SHA-256 " + "f" * 64
    assert words.short.startswith("c.npz, SHA-256 ffff")


def test_a_new_report_replaces_the_old_one_whole(tmp_path: Path) -> None:
    ledger = unfinished(tmp_path / "s")
    index = publish.write_report(ledger)
    first = index.read_bytes()
    (index.parent / "tables" / "stale.csv").write_text("old")
    assert publish.write_report(ledger).read_bytes() == first  # equal ledgers, equal reports
    assert not (index.parent / "tables" / "stale.csv").exists()
    assert not list(ledger.folder.glob(".report*"))


def test_a_failure_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = unfinished(tmp_path / "s")
    index = publish.write_report(ledger)
    before = index.read_bytes()

    def full_disk(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish, "_write_text", full_disk)
    with pytest.raises(ResourceError, match=r"cannot write the report to .*No space left"):
        publish.write_report(ledger)
    assert index.read_bytes() == before
    assert not list(ledger.folder.glob(".report*"))


def test_a_failed_swap_brings_the_old_report_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = unfinished(tmp_path / "s")
    index = publish.write_report(ledger)
    replace = Path.replace

    def broken(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(ResourceError):
        publish.write_report(ledger)
    assert index.is_file()


def test_a_report_needs_neither_torch_nor_ray_nor_medmnist(tmp_path: Path) -> None:
    folder = unfinished(tmp_path / "s").folder
    code = (
        "import sys; from pathlib import Path; from reports.ledger.ledger import Ledger\n"
        "from reports.page.publish import write_report\n"
        f"write_report(Ledger(Path({str(folder)!r})))\n"
        "print(sorted({'torch', 'ray', 'medmnist', 'optuna'} & set(sys.modules)))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    root = Path(publish.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.stdout.split("\n")[:2] == ["[]", "False"], done.stderr
