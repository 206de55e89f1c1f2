"""The configurations that have names."""

from dataclasses import fields

from bloodnets.config import TrialConfig
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, Config
from study.configs.presets import ABLATIONS, CONFIGURATIONS, PUBLISHED, RESNET


def test_published_configurations_are_the_papers() -> None:
    assert list(PUBLISHED) == [f"{f}-config-{n}" for f in ("mlnn", "cnn") for n in (1, 2, 3, 4)]
    for name, config in PUBLISHED.items():
        number = int(name[-1])
        assert config.loss == ("cross_entropy" if number < 3 else "nll")
        assert config.dropout == 0.2
        expected = ("sgd", 0.01, 0.9) if number % 2 else ("adam", 0.001, None)
        assert (config.optimizer, config.learning_rate, config.momentum) == expected


def test_neutral_settings_equal_the_defaults_of_trial_config() -> None:
    defaults = {field.name: field.default for field in fields(TrialConfig)}
    assert {name: defaults[name] for name in NEUTRAL_SETTINGS} == NEUTRAL_SETTINGS
    assert {*defaults} == {*Config.__annotations__}


def test_ablations_leave_out_one_ingredient_each() -> None:
    whole = RESNET.to_dict()
    for name, config in ABLATIONS.items():
        changed = [key for key, value in config.to_dict().items() if whole[key] != value]
        assert len(changed) == 1, name
    assert [*CONFIGURATIONS] == [*PUBLISHED, "resnet", *ABLATIONS]
