"""`bloodstudy ensemble`."""

import json
from pathlib import Path

import pytest

from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix

MATRICES = {
    "cnn-config-1": [ASYMMETRIC, ASYMMETRIC],
    "cnn-config-3": [ASYMMETRIC, ASYMMETRIC],
    "mlnn-config-1": [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (5, 9)],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build_grid(tmp_path / "s", MATRICES)
    return tmp_path


def test_ensemble_prints_a_row_for_each_vote_and_writes_nothing(
    root: Path, run_main: RunMain
) -> None:
    before = sorted(root.rglob("*"))
    outcome = run_main("ensemble", "s", "--storage", root)
    assert (outcome.code, outcome.stderr) == (0, "")
    for name in ("cnn-config-1 = 3", "mlnn-config-1", "2 best: cnn-config-1 = 3, mlnn-config-1"):
        rows = [line for line in outcome.stdout.splitlines() if line.startswith(f"{name}  ")]
        assert len(rows) == 2  # macro F1 and accuracy
    assert sorted(root.rglob("*")) == before


def test_ensemble_json_has_each_vote_with_its_members(root: Path, run_main: RunMain) -> None:
    content = json.loads(run_main("ensemble", "s", "--storage", root, "--json").stdout)
    assert content["study"] == "s"
    assert content["same_models"] == {"cnn-config-1": ["cnn-config-3"]}
    assert [vote["configurations"] for vote in content["votes"]] == [
        ["cnn-config-1"],
        ["mlnn-config-1"],
        ["cnn-config-1", "mlnn-config-1"],
    ]
    for vote in content["votes"]:
        assert vote["members"] == len(vote["trials"])
        assert vote["macro_f1_gain_mean"] == pytest.approx(
            vote["test_macro_f1"] - vote["mean_macro_f1"]
        )


def test_ensemble_of_a_cross_validation_has_no_best_member(
    tmp_path: Path, run_main: RunMain
) -> None:
    build_grid(tmp_path / "s", MATRICES, folds=2)
    outcome = run_main("ensemble", "s", "--storage", tmp_path)
    assert outcome.code == 0
    assert "mean member" in outcome.stdout
    assert "best on val" not in outcome.stdout


def test_ensemble_of_one_model_exits_2(tmp_path: Path, run_main: RunMain) -> None:
    build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    outcome = run_main("ensemble", "s", "--storage", tmp_path)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.count("\n") == 1


def test_ensemble_damaged_trial_is_named_and_exits_1(root: Path, run_main: RunMain) -> None:
    spoilt = min((root / "s" / "predictions").iterdir())
    spoilt.unlink()
    outcome = run_main("ensemble", "s", "--storage", root)
    assert outcome.code == 1
    assert spoilt.stem in outcome.stderr
    assert "mlnn-config-1" in outcome.stdout
