"""`bloodstudy grid`: options to settings."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bloodnets.errors import DataError
from study.cli.main import app
from study.configs.presets import ABLATIONS, PUBLISHED
from study.configs.study_config import GridConfig
from tests.helpers.cli_runs import parse_config


@pytest.mark.parametrize(
    "words",
    [
        ["--seeds", "0"],
        ["--max-epochs", "0"],
        ["--patience", "0"],
        ["--batch-size", "0"],
        ["--cpus-per-trial", "0"],
        ["--max-concurrent", "0"],
        ["--data", "mnist"],
        ["--precision", "float16"],
        ["--seeds", "two"],
        ["--seeds", "1001"],
        ["--max-epochs", "99999999999999999999"],
        ["--batch-size", "99999999999999999999"],
        ["--width", "100000"],
    ],
)
def test_grid_option_out_of_range_exits_2(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["grid", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words[0] in done.output


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], [*PUBLISHED]),
        (["--config", "resnet", "--config", "cnn-config-1"], ["resnet", "cnn-config-1"]),
        (["--config", "resnet", "--config", "resnet"], ["resnet"]),
        (["--ablation"], ["resnet", *ABLATIONS]),
    ],
)
def test_grid_configurations_default_to_the_published_ones(
    words: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse_config(["grid", *words], tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert [*config.configurations] == names


def test_grid_all_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["grid", "--config", "resnet", "--seeds", "3", "--max-epochs", "7", "--patience", "2"]
    words += ["--width", "16", "--batch-size", "32", "--precision", "bfloat16", "--name", "mine"]
    words += ["--device", "cpu", "--max-concurrent", "2"]
    assert parse_config(words, tmp_path, monkeypatch) == GridConfig(
        name="mine",
        storage_root=tmp_path,
        configurations=("resnet",),
        seeds=3,
        max_epochs=7,
        patience=2,
        width=16,
        batch_size=32,
        precision="bfloat16",
        cpus_per_trial=1,
        gpus_per_trial=0.0,
        max_concurrent=2,
        address=None,
    )


@pytest.mark.parametrize(
    "words", [["--ablation", "--config", "resnet"], ["--width", "8"], ["--config", "cnn-confg-1"]]
)
def test_grid_options_that_do_not_fit_raise_before_data_are_loaded(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as caught:
        parse_config(["grid", *words], tmp_path, monkeypatch)
    assert caught.value.remedy is not None
