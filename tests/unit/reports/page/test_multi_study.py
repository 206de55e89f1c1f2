"""Several studies in one report: compared where the data are the same, and only there."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bloodnets.errors import ConflictError, DataError
from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from reports.ledger.states import DataKind
from reports.page.multi_study import write_multi_study_report
from tests.helpers import grid_builder


def of_other_data(ledger: Ledger) -> Ledger:
    """The same study, as if it had been run on another file."""
    data = replace(ledger.study.data, kind=DataKind.FILE, name="other.npz", sha256="f" * 64)
    study = replace(ledger.study, data=data)
    (ledger.folder / "study.json").write_bytes(to_json(study, indent=2))
    return Ledger(ledger.folder)


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> list[Ledger]:
    """Two studies of the same data, of which the second repeats the first's CNN, and another."""
    folder, matrices = tmp_path_factory.mktemp("several"), grid_builder.make_published_matrices(2)
    own = {name: matrices[name] for name in ("mlnn-config-1", "cnn-config-1")}
    again = {name: matrices[name] for name in ("cnn-config-1", "cnn-config-2")}
    return [
        grid_builder.build_grid(folder / "one", own),
        grid_builder.build_grid(folder / "two", again),
        of_other_data(grid_builder.build_grid(folder / "three", own)),
    ]


@pytest.fixture(scope="module")
def report(ledgers: list[Ledger]) -> Path:
    return write_multi_study_report(ledgers, folder=ledgers[0].folder.with_name("all")).parent


def test_every_row_names_its_study_and_its_data(report: Path) -> None:
    first, second = (pd.read_csv(report / "tables" / f"scores-{i}.csv") for i in (1, 2))
    assert first["study"].tolist() == ["one", "one", "two", "two"]
    assert second["study"].tolist() == ["three", "three"]
    assert set(first["data"]) == {
        "official BloodMNIST (bloodmnist.npz, MD5 7053d0359d879ad8a5505303e11de1dc)"
    }
    assert set(second["data"]) == {f"other.npz, SHA-256 {'f' * 64}"}
    markdown = (report / "tables" / "scores-2.md").read_text(encoding="utf-8")
    assert "other.npz, SHA-256 ffff" in markdown


def test_the_same_data_are_compared_across_studies(report: Path) -> None:
    rows = pd.read_csv(report / "tables" / "pairs-1.csv").to_dict("records")
    pairs = {(row["a"], row["b"]): row for row in rows}
    assert len(pairs) == 6
    twice = pairs["one: cnn-config-1", "two: cnn-config-1"]
    assert (twice["n_differing"], twice["difference"], twice["significant"]) == (0, 0, False)
    apart = pairs["one: mlnn-config-1", "two: cnn-config-2"]
    assert apart["significant"]
    assert apart["difference"] < -0.05


def test_different_data_are_not_ranked(report: Path) -> None:
    pairs = pd.read_csv(report / "tables" / "pairs-2.csv")
    assert {*pairs["a"], *pairs["b"]} == {"three: mlnn-config-1", "three: cnn-config-1"}
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "3 studies of 2 data sets" in text
    assert "are not ranked against each other" in text
    assert not re.search(r"three: [^.]* two: ", text)


def test_drawings_among_them_are_marked(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    synthetic = grid_builder.build_grid(tmp_path / "synthetic", matrices, kind=DataKind.SYNTHETIC)
    real = of_other_data(grid_builder.build_grid(tmp_path / "real", matrices))
    index = write_multi_study_report([synthetic, real], folder=tmp_path / "both")
    assert "SYNTHETIC in part" in index.read_text(encoding="utf-8")
    drawings = (index.parent / "tables" / "scores-1.md").read_text(encoding="utf-8")
    others = (index.parent / "tables" / "scores-2.md").read_text(encoding="utf-8")
    assert "SYNTHETIC" in drawings
    assert "SYNTHETIC" not in others


def test_damage_in_any_study_is_in_the_banner(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices(2)["cnn-config-1"]}
    both = [grid_builder.build_grid(tmp_path / name, matrices) for name in ("a", "b")]
    next((tmp_path / "b" / "predictions").iterdir()).unlink()
    text = write_multi_study_report(both, folder=tmp_path / "c").read_text(encoding="utf-8")
    assert "1 of 4 trials was left out of this report" in text


def test_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    ledger = grid_builder.build_grid(tmp_path / "a", matrices)
    with pytest.raises(DataError, match="in folders of one name: a, a"):
        write_multi_study_report([ledger, ledger], folder=tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_study_is_not_overwritten_by_a_report(ledgers: list[Ledger]) -> None:
    before = sorted(ledgers[1].folder.rglob("*"))
    with pytest.raises(ConflictError, match="something else than a report"):
        write_multi_study_report(ledgers, folder=ledgers[1].folder)
    assert sorted(ledgers[1].folder.rglob("*")) == before
