"""`bloodstudy report`: which studies, where to, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bloodnets.errors import ConflictError, DataError
from reports.ledger.ledger import Ledger
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.imports import RUN_COMMAND, list_heavy_imports
from tests.helpers.quick_figures import write_texts_of_figures


@pytest.fixture(scope="module", autouse=True)
def quick_reports() -> Iterator[None]:
    """Write the texts of figures instead of drawing them, except in other processes."""
    with write_texts_of_figures():
        yield


def build(folder: Path, name: str = "cnn-config-1") -> Ledger:
    return build_grid(folder, {name: make_published_matrices()[name]})


def test_report_by_name_imports_neither_torch_nor_ray_and_is_written_to_the_output(
    tmp_path: Path,
) -> None:
    ledger, output = build(tmp_path / "mine"), tmp_path / "out"
    words = ["report", "mine", "--storage", str(tmp_path), "--output", str(output)]
    found = list_heavy_imports(RUN_COMMAND, *words)
    assert "pandas" in found
    assert not found & {"torch", "ray", "medmnist"}
    assert (output / "index.html").is_file()
    assert not (ledger.folder / "report").exists()


@pytest.mark.parametrize("by_name", [True, False])
def test_report_verify_by_name_or_path_prints_lines_and_writes_nothing(
    tmp_path: Path, by_name: bool, run_main: RunMain
) -> None:
    ledger = build(tmp_path / "mine")
    study = "mine" if by_name else str(tmp_path / "mine")
    outcome = run_main("report", study, "--storage", tmp_path, "--verify")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.count("\n") >= 4
    assert not (ledger.folder / "report").exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["mine", "--verify", "--output", "x"], DataError),
        (["mine", "--verify", "--open"], DataError),
        (["mine", "other", "--data-file", "x"], DataError),
        (["mine", "mine"], DataError),
        (["mine", "none"], ConflictError),
    ],
)
def test_report_wrong_options_exit_with_the_code_of_the_error(
    words: list[str], error: type[DataError | ConflictError], tmp_path: Path, run_main: RunMain
) -> None:
    for name in ("mine", "other"):
        build(tmp_path / name)
    outcome = run_main("report", *words, "--storage", tmp_path)
    assert outcome.code == error.exit_code
    assert outcome.stderr.count("\n") == 1
    assert not (tmp_path / "mine" / "report").exists()


def test_report_margin_is_in_points_and_is_read_again_by_verify(
    tmp_path: Path, run_main: RunMain
) -> None:
    published = make_published_matrices()
    names = ("mlnn-config-1", "cnn-config-1")
    ledger = build_grid(tmp_path / "mine", {name: published[name] for name in names})
    words = ["report", "mine", "--storage", tmp_path]
    assert run_main(*words, "--margin", "2.5").code == 0
    pairs = pd.read_csv(ledger.folder / "report" / "tables" / "pairwise.csv")
    assert pairs["margin"].tolist() == [0.025]
    assert run_main(*words, "--verify").code == 0


def test_report_open_without_a_browser_says_so_and_exits_0(
    tmp_path: Path, run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = build(tmp_path / "mine").folder / "report" / "index.html"
    opened: list[str] = []

    def open_nothing(uri: str) -> bool:
        opened.append(uri)
        return False

    monkeypatch.setattr("webbrowser.open", open_nothing)
    outcome = run_main("report", "mine", "--storage", tmp_path, "--open")
    assert (outcome.code, outcome.stdout) == (0, f"{page}\n")
    assert outcome.stderr.count(str(page)) == 1
    assert opened == [page.as_uri()]


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "101"])
def test_report_margin_outside_of_its_range_exits_with_2(
    tmp_path: Path, margin: str, run_main: RunMain
) -> None:
    ledger = build(tmp_path / "mine")
    assert run_main("report", "mine", "--storage", tmp_path, "--margin", margin).code == 2
    assert not (ledger.folder / "report").exists()


def test_report_without_the_data_file_says_that_it_has_no_images(
    tmp_path: Path, run_main: RunMain
) -> None:
    ledger = build(tmp_path / "mine")
    outcome = run_main("report", "mine", "--storage", tmp_path)
    assert outcome.code == 0
    assert str(ledger.study.data.path or ledger.study.data.name) in outcome.stderr
    for text in (outcome.stderr, (ledger.folder / "report/report.md").read_text(encoding="utf-8")):
        assert "--data-file" in text
