"""`bloodstudy compare`."""

import json
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, DataError
from reports.ledger.states import DataKind
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix

WORSE = worsen_matrix(ASYMMETRIC, n_moved=15)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build_grid(tmp_path / "a", {"cnn-config-1": [ASYMMETRIC, ASYMMETRIC]})
    build_grid(tmp_path / "b", {"mlnn-config-1": [WORSE, WORSE]})
    return tmp_path


def test_compare_prints_the_decision_and_writes_nothing(root: Path, run_main: RunMain) -> None:
    before = sorted(root.rglob("*"))
    outcome = run_main("compare", "a", "b", "--storage", root)
    assert (outcome.code, outcome.stderr) == (0, "")
    (row,) = (line for line in outcome.stdout.splitlines() if line.startswith("b: mlnn-config-1"))
    assert "different" in row
    assert f"bloodstudy report a b --storage {root}" in outcome.stdout
    assert sorted(root.rglob("*")) == before


def test_compare_json_has_configurations_and_pairs(root: Path, run_main: RunMain) -> None:
    outcome = run_main("compare", "a", "b", "--storage", root, "--margin", "2", "--json")
    (data_set,) = json.loads(outcome.stdout)
    names = [row["name"] for row in data_set["configurations"]]
    assert names == ["a: cnn-config-1", "b: mlnn-config-1"]
    (pair,) = data_set["pairs"]
    assert (pair["a"], pair["b"], pair["decision"]) == (*names, "different")
    assert pair["margin"] == 0.02


def test_compare_studies_of_other_data_are_in_a_table_of_their_own(
    root: Path, run_main: RunMain
) -> None:
    build_grid(root / "c", {"cnn-config-1": [ASYMMETRIC]}, kind=DataKind.SYNTHETIC)
    path = root / "c" / "study.json"
    path.write_text(path.read_text().replace("0123456789abcdef" * 4, "f" * 64))
    outcome = run_main("compare", "a", "b", "c", "--storage", root, "--json")
    assert [len(part["pairs"]) for part in json.loads(outcome.stdout)] == [1, 0]
    assert run_main("compare", "a", "c", "--storage", root).code == 0


def test_compare_damaged_trial_is_named_and_exits_1(root: Path, run_main: RunMain) -> None:
    spoilt = next((root / "b" / "predictions").iterdir())
    spoilt.unlink()
    outcome = run_main("compare", "a", "b", "--storage", root)
    assert outcome.code == 1
    assert spoilt.stem in outcome.stderr
    assert "different" in outcome.stdout


@pytest.mark.parametrize(
    ("studies", "error"),
    [(["a"], DataError), (["a", "a"], DataError), (["a", "none"], ConflictError)],
)
def test_compare_wrong_studies_exit_with_the_code_of_the_error(
    studies: list[str], error: type[DataError | ConflictError], root: Path, run_main: RunMain
) -> None:
    outcome = run_main("compare", *studies, "--storage", root)
    assert (outcome.code, outcome.stdout) == (error.exit_code, "")
    assert outcome.stderr.count("\n") == 1
