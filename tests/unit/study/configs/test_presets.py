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


def test_presets_keep_the_digests_of_stored_studies() -> None:
    digests = {name: config.compute_digest() for name, config in CONFIGURATIONS.items()}
    assert digests == {
        "mlnn-config-1": "b04cb808",
        "mlnn-config-2": "342105b9",
        "mlnn-config-3": "b3b48b09",
        "mlnn-config-4": "697aa172",
        "cnn-config-1": "5e7f483f",
        "cnn-config-2": "7a4925cd",
        "cnn-config-3": "63663bce",
        "cnn-config-4": "7d420fc9",
        "resnet": "8af67ddd",
        "resnet-no-orientations": "f307bcc8",
        "resnet-no-shifts": "0ef45edd",
        "resnet-no-smoothing": "f82ec9db",
        "resnet-no-decay": "ec8e424c",
        "resnet-no-dropout": "cfd9d0f9",
        "resnet-no-cycle": "78899543",
    }


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
