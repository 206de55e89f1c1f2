"""`bloodstudy search`: options to settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bloodnets.errors import DataError
from study.cli.main import app
from study.configs.presets import RESNET
from study.configs.study_config import SearchConfig
from study.tuning.asha import make_tripling_rungs
from tests.helpers.cli_runs import parse_config


def parse(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchConfig:
    config = parse_config(["search", *words], tmp_path, monkeypatch)
    assert isinstance(config, SearchConfig)
    return config


@pytest.mark.parametrize(
    "words",
    [
        ["--width", "8", "16"],
        ["--weight-decay", "0.1", "1"],
        ["--label-smoothing", "0", "0.1"],
        ["--optimizer", "adam", "--momentum", "0.6", "0.9"],
        ["--family", "resnet", "--momentum", "0.6", "0.9"],
    ],
)
def test_search_range_without_effect_raises(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as caught:
        parse(words, tmp_path, monkeypatch)
    assert isinstance(caught.value.value, tuple)


def test_search_of_resnets_starts_from_the_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--family", "resnet", "--max-epochs", "5", "--width", "16", "32", "--seed", "3"]
    found = parse(words, tmp_path, monkeypatch).search
    assert found.resnet is not None
    assert (found.optimizers, found.batch_size, found.resnet.width) == (("adamw",), 128, (16, 32))
    start = replace(RESNET, max_epochs=5, patience=5, seed=3)
    assert found.resnet.baseline_config == start.to_dict()


def test_search_without_options_has_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = parse([], tmp_path, monkeypatch).search
    assert (found.resnet, found.batch_size, found.precision) == (None, 64, "float32")
    assert (found.families, found.optimizers) == (("cnn",), ("sgd", "adam"))
    assert found.rungs == make_tripling_rungs(1, found.max_epochs)


def test_search_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--trials", "7", "--family", "both", "--optimizer", "adam", "--sampler", "random"]
    words += ["--max-epochs", "9", "--grace-period", "2", "--reduction-factor", "3"]
    words += ["--retrain-top", "1", "--retrain-seeds", "4", "--precision", "bfloat16"]
    found = parse([*words, "--name", "mine"], tmp_path, monkeypatch)
    assert found.location == tmp_path / "mine"
    search = found.search
    assert (search.n_trials, search.families, search.optimizers) == (7, ("mlnn", "cnn"), ("adam",))
    assert (search.sampler, search.precision) == ("random", "bfloat16")
    assert (search.max_epochs, search.rungs) == (9, make_tripling_rungs(2, 9))
    assert search.reduction_factor == 3
    assert (search.retrain_top, search.retrain_seeds) == (1, 4)


@pytest.mark.parametrize("family", ["cnn", "resnet"])
@pytest.mark.parametrize("words", [["--max-epochs", "0"], ["--precision", "float16"]])
def test_search_option_out_of_range_exits_2(family: str, words: list[str]) -> None:
    done = CliRunner().invoke(app, ["search", "--family", family, *words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words[0] in done.output
