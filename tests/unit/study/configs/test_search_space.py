"""The search space: what is drawn from it, what of the published study lies in it, bad values."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from bloodnets.errors import DataError
from reports.ledger.search_record import SearchRecord
from study.configs.presets import PUBLISHED
from study.configs.search_space import (
    contains,
    make_baseline_configs,
    make_optuna_params,
    suggest_config,
    validate,
)
from study.configs.study_config import SearchConfig
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, RESNET_SPACE, SEARCH_RECORD


def changed(**values: Any) -> SearchRecord:
    return replace(SEARCH_RECORD, **values)


def test_suggest_config_random_trials_lie_in_the_space() -> None:
    search = changed(
        families=("mlnn", "cnn"),
        learning_rate=(1e-4, 1e-2),
        dropout=(0.1, 0.3),
        momentum=(0.8, 0.9),
        seed=7,
        precision="bfloat16",
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    configs = [suggest_config(study.ask(), search) for _ in range(60)]
    assert all(contains(config, search) for config in configs)
    assert {config.family for config in configs} == {"mlnn", "cnn"}
    assert {config.optimizer for config in configs} == {"sgd", "adam"}
    assert {config.loss for config in configs} == {"cross_entropy"}
    assert {config.precision for config in configs} == {"bfloat16"}
    assert {(c.seed, c.max_epochs, c.patience, c.batch_size) for c in configs} == {(7, 20, 20, 64)}
    # Log-uniformly: as many below the middle of the logarithms as above.
    below = sum(config.learning_rate < 1e-3 for config in configs)
    assert 18 <= below <= 42


def test_suggest_config_adam_only_has_no_momentum_and_no_optimizer_parameter() -> None:
    search = changed(optimizers=("adam",))
    trial = FixedTrial({"learning_rate": 1e-3, "dropout": 0.2})
    assert suggest_config(trial, search).momentum is None
    assert set(trial.params) == {"learning_rate", "dropout"}


def test_suggest_config_resnet_samples_its_own_parameters() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    configs = [suggest_config(study.ask(), RESNET_SEARCH_RECORD) for _ in range(60)]
    start = make_baseline_configs(RESNET_SEARCH_RECORD)["resnet"]
    assert all(contains(config, RESNET_SEARCH_RECORD) for config in [*configs, start])
    assert {config.width for config in configs} == {16, 24, 32, 40, 48, 56}
    assert {config.momentum for config in configs} == {None}
    below = sum(config.weight_decay < 10**-1.5 for config in configs)  # drawn by its logarithm
    assert 18 <= below <= 42
    for name in ("learning_rate", "dropout", "weight_decay", "label_smoothing"):
        assert len({getattr(config, name) for config in configs}) == 60
        configs = [replace(config, **{name: getattr(start, name)}) for config in configs]
    assert {replace(config, width=start.width) for config in configs} == {start}


@pytest.mark.parametrize("name", ["weight_decay", "label_smoothing", "width"])
def test_contains_resnet_outside_the_space_is_false(name: str) -> None:
    end: Any = {"weight_decay": (0.5, 1.0), "label_smoothing": (0.1, 0.2), "width": (16, 40)}[name]
    search = replace(RESNET_SEARCH_RECORD, resnet=replace(RESNET_SPACE, **{name: end}))
    assert not contains(make_baseline_configs(search)["resnet"], search)


@pytest.mark.parametrize(
    "search",
    [SEARCH_RECORD, replace(SEARCH_RECORD, families=("mlnn", "cnn")), RESNET_SEARCH_RECORD],
    ids=["cnn", "both", "resnet"],
)
def test_make_optuna_params_is_the_inverse_of_suggest_config(search: SearchRecord) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=2))
    for _ in range(10):
        trial = study.ask()
        config = suggest_config(trial, search)
        assert make_optuna_params(config, search) == trial.params
        assert suggest_config(FixedTrial(trial.params), search) == config


def test_make_baseline_configs_family_has_two_configurations() -> None:
    assert list(make_baseline_configs(SEARCH_RECORD)) == ["cnn-config-1", "cnn-config-2"]
    assert len(make_baseline_configs(changed(families=("mlnn", "cnn")))) == 4
    for name, config in make_baseline_configs(SEARCH_RECORD).items():
        n_epochs = SEARCH_RECORD.max_epochs
        assert replace(PUBLISHED[name], max_epochs=n_epochs, patience=n_epochs) == config
        assert contains(config, SEARCH_RECORD)


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": (0.02, 0.1)},
        {"optimizers": ("adam",)},
        {"dropout": (0.3, 0.5)},
        {"momentum": (0.95, 0.99)},
    ],
)
def test_contains_published_configuration_outside_the_space_is_false(
    values: dict[str, Any],
) -> None:
    search = changed(**values)
    assert not contains(make_baseline_configs(search)["cnn-config-1"], search)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--learning-rate", {"learning_rate": (0.1, 0.01)}),
        ("--learning-rate", {"learning_rate": (0.0, 0.01)}),
        ("--learning-rate", {"learning_rate": (math.nan, 0.01)}),
        ("--learning-rate", {"learning_rate": (0.01, math.inf)}),
        ("--dropout", {"dropout": (0.5, 0.2)}),
        ("--dropout", {"dropout": (-0.1, 0.2)}),
        ("--dropout", {"dropout": (0.0, 1.0)}),
        ("--dropout", {"dropout": (0.0, math.nan)}),
        ("--momentum", {"momentum": (0.5, 1.0)}),
        ("--trials", {"n_trials": 0}),
        ("--seed", {"seed": -1}),
        ("--seed", {"seed": 2**32}),
        ("--max-epochs", {"max_epochs": 0}),
        ("--reduction-factor", {"reduction_factor": 1}),
        ("--retrain-top", {"retrain_top": -1}),
        ("--retrain-seeds", {"retrain_seeds": 0}),
        ("--weight-decay", {"resnet": replace(RESNET_SPACE, weight_decay=(0.0, 0.1))}),
        ("--weight-decay", {"resnet": replace(RESNET_SPACE, weight_decay=(0.1, math.nan))}),
        ("--label-smoothing", {"resnet": replace(RESNET_SPACE, label_smoothing=(0.0, 1.0))}),
        ("--width", {"resnet": replace(RESNET_SPACE, width=(32, 16))}),
        ("--width", {"resnet": replace(RESNET_SPACE, width=(0, 16))}),
        ("--width", {"resnet": replace(RESNET_SPACE, width=(16, 20))}),
        ("--target-macro-f1", {"target_macro_f1": 93.0}),
        ("--target-macro-f1", {"target_macro_f1": 0.0}),
        ("--target-macro-f1", {"target_macro_f1": math.nan}),
        ("--time-budget", {"time_budget_s": 0.0}),
        ("--time-budget", {"time_budget_s": math.nan}),
        ("--sampler", {"sampler": "grid"}),
        ("--family", {"families": ("vit",)}),
        ("--family", {"families": ()}),
        ("--optimizer", {"optimizers": ("lion",)}),
        ("--optimizer", {"optimizers": ("sgd", "adamw")}),
    ],
)
def test_validate_value_out_of_range_raises(option: str, values: dict[str, Any]) -> None:
    search = changed(**values)
    with pytest.raises(DataError) as caught:
        validate(search)
    assert caught.value.problem.startswith(f"{option} ")
    assert caught.value.expected is not None


def test_search_config_values_at_their_bounds_are_accepted() -> None:
    ends = {"learning_rate": (1e-3, 1e-3), "dropout": (0.0, 0.0)}
    search = changed(**ends, rungs=(), retrain_top=0, n_trials=1, seed=2**32 - 1)
    config = SearchConfig(
        name="s",
        storage_root=Path("results"),
        search=search,
        cpus_per_trial=1,
        gpus_per_trial=0.0,
        max_concurrent=None,
        address=None,
    )
    assert config.search is search
