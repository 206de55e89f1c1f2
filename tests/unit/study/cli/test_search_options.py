"""The options that only `bloodstudy search` has: values and their bounds."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from study.cli.search_options import (
    PruningOptions,
    RetrainingOptions,
    SearchOptions,
    SpaceOptions,
)
from study.configs.study_config import SearchConfig
from tests.helpers.cli_runs import RunMain, parse_config


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--time-budget", "1h30m"], "time_budget_s", 5400.0),
        (["--target-macro-f1", "0.9"], "target_macro_f1", 0.9),
        (["--seed", "4294967295"], "seed", 2**32 - 1),
        (["--learning-rate", "0.001", "0.01"], "learning_rate", (0.001, 0.01)),
        (["--dropout", "0", "0.5"], "dropout", (0.0, 0.5)),
        (["--momentum", "0.6", "0.9"], "momentum", (0.6, 0.9)),
    ],
)
def test_search_options_value_reaches_the_record(
    words: list[str], field: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse_config(["search", *words], tmp_path, monkeypatch)
    assert isinstance(config, SearchConfig)
    assert getattr(config.search, field) == value


@pytest.mark.parametrize(
    "words",
    [
        ["--trials", "0"],
        ["--trials", "100001"],
        ["--seed", "-1"],
        ["--seed", "4294967296"],
        ["--sampler", "grid"],
        ["--family", "vit"],
        ["--optimizer", "adamw"],
        ["--time-budget", "soon"],
        ["--learning-rate", "low", "0.1"],
        ["--grace-period", "0"],
        ["--reduction-factor", "1"],
        ["--retrain-top", "-1"],
        ["--retrain-seeds", "0"],
    ],
)
def test_search_options_value_out_of_range_exits_2_and_is_named(
    words: list[str], run_main: RunMain, tmp_path: Path
) -> None:
    outcome = run_main("search", "--storage", tmp_path, *words)
    assert outcome.code == DataError.exit_code
    assert words[0] in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_search_options_defaults_are_consistent() -> None:
    assert PruningOptions().grace_period <= PruningOptions().max_epochs
    assert RetrainingOptions().retrain_top <= SearchOptions().trials
    space = SpaceOptions()
    for low, high in (space.learning_rate, space.dropout, space.momentum, space.width):
        assert low < high
