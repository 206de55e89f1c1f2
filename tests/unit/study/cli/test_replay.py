"""`bloodstudy replay`."""

from pathlib import Path

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import DataError
from tests.helpers.cli_runs import RunMain
from tests.unit.study.inference.test_replay import trained


def test_replay_trial_of_a_study_prints_its_deviation(
    tmp_path: Path, cells: BloodCells, run_main: RunMain
) -> None:
    ledger = trained(tmp_path, cells, epochs=1)
    words = ["replay", "s", "mlnn-config-2", "--storage", tmp_path, "--data-file", cells.path]
    outcome = run_main(*words)
    assert outcome.code == 0
    first, second = outcome.stdout.splitlines()
    assert first.startswith(ledger.study.trials[0].id.rpartition("-")[0])
    assert "deviation 0" in second


def test_replay_unknown_trial_or_other_data_exits_2(
    tmp_path: Path, cells: BloodCells, run_main: RunMain
) -> None:
    trained(tmp_path, cells, epochs=1)
    (tmp_path / "other.npz").write_bytes(b"other")
    for trial, file in (("cnn-config-1", cells.path), ("mlnn-config-2", tmp_path / "other.npz")):
        words = ["replay", "s", trial, "--storage", tmp_path, "--data-file", file]
        outcome = run_main(*words)
        assert outcome.code == DataError.exit_code
        assert outcome.stderr.count("\n") == 1
