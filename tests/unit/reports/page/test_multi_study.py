"""Several studies in one report: compared where the data are the same, and only there."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bloodnets.errors import ConflictError, DataError
from reports.format.limitations import describe_fold_variance
from reports.format.text import make_data_label
from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from reports.ledger.states import DataKind
from reports.page.multi_study import write_multi_study_report
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.search_builder import SEARCH_RECORD

MATRICES = {
    "mlnn-config-1": [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (15, 16)],
    "cnn-config-1": [ASYMMETRIC, worsen_matrix(ASYMMETRIC, n_moved=1)],
}


def change_data(ledger: Ledger) -> Ledger:
    """Return the same study, as if it had been run on another file."""
    data = replace(ledger.study.data, kind=DataKind.FILE, name="other.npz", sha256="f" * 64)
    (ledger.folder / "study.json").write_bytes(to_json(replace(ledger.study, data=data), indent=2))
    return Ledger(ledger.folder)


def build_small_grid(folder: Path, kind: DataKind = DataKind.OFFICIAL, seeds: int = 1) -> Ledger:
    return grid_builder.build_grid(folder, {"cnn-config-1": [ASYMMETRIC] * seeds}, kind=kind)


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> list[Ledger]:
    """Two studies of the same data, of which the second repeats the first's CNN, and another."""
    folder, cnn = tmp_path_factory.mktemp("several"), MATRICES["cnn-config-1"]
    return [
        grid_builder.build_grid(folder / "one", MATRICES),
        grid_builder.build_grid(folder / "two", {"cnn-config-1": cnn, "cnn-config-2": cnn}),
        change_data(grid_builder.build_grid(folder / "three", MATRICES)),
    ]


@pytest.fixture(scope="module")
def report(ledgers: list[Ledger]) -> Path:
    folder = ledgers[0].folder.with_name("all")
    return write_multi_study_report(ledgers, folder=folder, margin=0.02).parent


def test_multi_study_rows_name_study_and_data(report: Path, ledgers: list[Ledger]) -> None:
    first, second = (pd.read_csv(report / "tables" / f"scores-{i}.csv") for i in (1, 2))
    assert first["study"].tolist() == ["one", "one", "two", "two"]
    assert second["study"].tolist() == ["three", "three"]
    assert set(first["data"]) == {make_data_label(ledgers[0].study.data).full}
    assert set(second["data"]) == {make_data_label(ledgers[2].study.data).full}
    assert "other.npz" in (report / "tables" / "scores-2.md").read_text(encoding="utf-8")


def test_multi_study_same_data_are_compared_across_studies(report: Path) -> None:
    rows = pd.read_csv(report / "tables" / "pairwise-1.csv").to_dict("records")
    pairs = {(row["a"], row["b"]): row for row in rows}
    # The CNN of `two` and its copy train the same model as that of `one`, with the same seeds.
    assert list(pairs) == [("one: mlnn-config-1", "one: cnn-config-1")]
    (pair,) = pairs.values()
    assert (pair["decision"], pair["margin"]) == ("different", 0.02)
    assert pair["difference"] < -0.05
    scores = pd.read_csv(report / "tables" / "scores-1.csv", index_col="configuration")
    assert scores["group"].tolist() == ["b", "a", "a", "a"]


def test_multi_study_different_data_are_not_ranked(report: Path) -> None:
    pairs = pd.read_csv(report / "tables" / "pairwise-2.csv")
    assert {*pairs["a"], *pairs["b"]} == {"three: mlnn-config-1", "three: cnn-config-1"}
    text = (report / "report.md").read_text(encoding="utf-8")
    summary = text.split("\n## ")[1]
    assert re.findall(r"\d+", summary)[:2] == ["3", "2"]
    assert not re.search(r"three: [^.]* two: ", text)


def test_multi_study_synthetic_cells_among_them_are_marked(tmp_path: Path) -> None:
    synthetic = build_small_grid(tmp_path / "synthetic", DataKind.SYNTHETIC)
    real = change_data(build_small_grid(tmp_path / "real"))
    index = write_multi_study_report([synthetic, real], folder=tmp_path / "both")
    assert "<title>SYNTHETIC" in index.read_text(encoding="utf-8")
    first, second = (
        (index.parent / "tables" / f"scores-{i}.md").read_text(encoding="utf-8") for i in (1, 2)
    )
    assert "SYNTHETIC" in first
    assert "SYNTHETIC" not in second


def test_multi_study_trial_left_out_of_any_study_is_in_the_banner(tmp_path: Path) -> None:
    studies = [build_small_grid(tmp_path / name, seeds=2) for name in ("a", "b")]
    spoilt = next((tmp_path / "b" / "predictions").iterdir())
    spoilt.unlink()
    index = write_multi_study_report(studies, folder=tmp_path / "c")
    lines = index.with_name("report.md").read_text(encoding="utf-8").splitlines()
    heading, notice = (line for line in lines if line.startswith("> ") and len(line) > 2)
    assert re.findall(r"\d+", heading) == ["1", "4"]
    assert spoilt.stem in notice.replace("\\", "")


def test_multi_study_search_is_compared_with_a_grid(tmp_path: Path) -> None:
    record = replace(SEARCH_RECORD, n_trials=2, retrain_top=1, retrain_seeds=1)
    search = search_builder.build_search(tmp_path / "search", search=record)
    matrices = grid_builder.make_published_matrices(2)
    grid = grid_builder.build_grid(tmp_path / "grid", {"mlnn-config-1": matrices["mlnn-config-1"]})
    index = write_multi_study_report([grid, search], folder=tmp_path / "both")
    names = {*pd.read_csv(index.parent / "tables" / "scores-1.csv")["configuration"]}
    assert "grid: mlnn-config-1" in names
    assert any(name.startswith("search: ") for name in names)


def test_multi_study_folders_of_one_name_raise_data_error(tmp_path: Path) -> None:
    ledger = build_small_grid(tmp_path / "a")
    with pytest.raises(DataError) as caught:
        write_multi_study_report([ledger, ledger], folder=tmp_path / "b")
    assert caught.value.value == ["a", "a"]
    assert not (tmp_path / "b").exists()


def test_multi_study_report_at_a_study_raises_conflict_error(ledgers: list[Ledger]) -> None:
    folder = ledgers[1].folder
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConflictError) as caught:
        write_multi_study_report(ledgers, folder=folder)
    assert caught.value.path == str(folder)
    assert sorted(folder.rglob("*")) == before


def test_multi_study_of_a_cross_validation_names_the_variance_of_the_folds(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC] * 3}
    studies = [
        build_small_grid(tmp_path / "plain"),
        grid_builder.build_grid(tmp_path / "folds", matrices, folds=3),
    ]
    index = write_multi_study_report(studies, folder=tmp_path / "both")
    page = index.with_name("report.md").read_text(encoding="utf-8")
    assert all(text in page for text in describe_fold_variance(3))
