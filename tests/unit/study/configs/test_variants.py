"""Variants: from `--set`, from a TOML file and from a recorded study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bloodnets.errors import DataError
from study.configs.presets import CONFIGURATIONS, PUBLISHED, RESNET
from study.configs.study_config import GridConfig
from study.configs.variants import (
    SETTINGS,
    UnrecordedSettings,
    Variant,
    make_variants,
    read_variants,
    recover_unrecorded_settings,
    recover_variants,
)
from tests.helpers.study_configs import make_grid_config


def make_grid(variants: Mapping[str, Variant], **changes: Any) -> GridConfig:
    settings: dict[str, Any] = {"max_epochs": None, "patience": 10, "batch_size": None}
    names = ("cnn-config-1", *variants)
    return make_grid_config(
        Path("results"), configurations=names, variants=variants, **settings | changes
    )


def plan_configs(config: GridConfig) -> dict[str, Mapping[str, Any]]:
    return {trial.configuration: trial.config for trial in config.plan_trials()}


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [
        ("dropout=0.3", "cnn-config-1-dropout-0.3", 0.3),
        ("dropout=.3", "cnn-config-1-dropout-0.3", 0.3),
        ("dropout=0", "cnn-config-1-dropout-0", 0.0),
        ("learning_rate=1e-5", "cnn-config-1-learning-rate-1e-05", 1e-5),
        ("learning_rate=0.01234567", "cnn-config-1-learning-rate-0.01234567", 0.01234567),
        ("learning_rate=1e20", "cnn-config-1-learning-rate-1e20", 1e20),
        ("loss=cross_entropy", "cnn-config-1-loss-cross-entropy", "cross_entropy"),
        ("momentum=none", "cnn-config-1-momentum-none", None),
        ("max_epochs=5", "cnn-config-1-max-epochs-5", 5),
        ("dihedral_augmentation=true", "cnn-config-1-dihedral-augmentation-true", True),
        ("class_weights=none", "cnn-config-1-class-weights-none", "none"),
        ("class_weights=balanced", "cnn-config-1-class-weights-balanced", "balanced"),
    ],
)
def test_make_variants_value_is_in_the_name_and_has_its_type(
    assignment: str, name: str, value: object
) -> None:
    variants = make_variants(["cnn-config-1"], [assignment])
    assert [*variants] == [name]
    changes = variants[name].changes
    assert [*changes.values()] == [value]
    assert type(changes[assignment.partition("=")[0]]) is type(value)
    assert variants[name].base == PUBLISHED["cnn-config-1"]


def test_make_variants_name_does_not_depend_on_the_order() -> None:
    assignments = ["learning_rate=0.003", "dropout=0.3"]
    names = [*make_variants(["resnet"], assignments)]
    assert names == [*make_variants(["resnet"], assignments[::-1])]
    assert names == ["resnet-learning-rate-0.003-dropout-0.3"]


@pytest.mark.parametrize(
    ("assignments", "value"),
    [
        (["dropout"], "dropout"),
        (["droput=0.3"], "droput"),
        (["seed=3"], "seed"),
        (["dropout=much"], "much"),
        (["batch_size=1.5"], "1.5"),
        (["optimizer=lion"], "lion"),
        (["dihedral_augmentation=2"], "2"),
        (["dropout=0.3", "dropout=0.4"], "dropout=0.4"),
    ],
)
def test_make_variants_invalid_assignment_raises(assignments: list[str], value: str) -> None:
    with pytest.raises(DataError) as caught:
        make_variants(["cnn-config-1"], assignments)
    assert caught.value.value == value
    assert caught.value.expected or caught.value.remedy


def test_make_variants_unknown_setting_suggests_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        make_variants(["cnn-config-1"], ["droput=0.3"])
    assert "dropout" in str(caught.value.remedy)


def test_make_variants_unknown_preset_suggests_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        make_variants(["cnn-confg-1"], ["dropout=0.3"])
    assert caught.value.value == "cnn-confg-1"
    assert "cnn-config-1" in str(caught.value.remedy)


def test_make_variants_name_that_is_too_long_raises() -> None:
    assignments = ["learning_rate=0.0012345678", "dropout=0.3", "class_weights=balanced"]
    with pytest.raises(DataError) as caught:
        make_variants(["cnn-config-1"], assignments)
    assert "--configs" in str(caught.value.remedy)


def test_read_variants_has_a_variant_for_each_table(tmp_path: Path) -> None:
    file = tmp_path / "v.toml"
    file.write_text(
        '[small]\nbase = "cnn-config-1"\nlearning_rate = 1\ndropout = 0.3\n'
        '["a.b"]\nbase = "cnn-config-2"\nmomentum = "none"\ndihedral_augmentation = true\n'
    )
    assert read_variants(file) == {
        "small": Variant(PUBLISHED["cnn-config-1"], {"learning_rate": 1.0, "dropout": 0.3}),
        "a.b": Variant(
            PUBLISHED["cnn-config-2"], {"momentum": None, "dihedral_augmentation": True}
        ),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["v.toml"]),
        ('[a]\nbase = "cnn-config-1\n', ["line 2"]),
        ('base = "cnn-config-1"\n', ["base"]),
        ("[a]\ndropout = 0.3\n", ["[a]", "base"]),
        ("[a]\nbase = 3\n", ["[a]", "base", "3"]),
        ('[a]\nbase = "cnn-confg-1"\n', ["[a]", "did you mean cnn-config-1"]),
        ('[a]\nbase = "cnn-config-1"\ndroput = 0.3\n', ["[a]", "did you mean dropout"]),
        ('[a]\nbase = "cnn-config-1"\nseed = 1\n', ["[a]", "--seeds"]),
        ('[a]\nbase = "cnn-config-1"\ndropout = "0.3"\n', ["[a]", "dropout", "a number"]),
        ('[a]\nbase = "cnn-config-1"\nbatch_size = true\n', ["[a]", "a whole number"]),
        ('[a]\nbase = "cnn-config-1"\nmomentum = "x"\n', ["[a]", "a number or none"]),
        ('[resnet]\nbase = "cnn-config-1"\n', ["resnet", "another name"]),
        ('["a/b"]\nbase = "cnn-config-1"\n', ["a/b", "letters"]),
        ('["-a"]\nbase = "cnn-config-1"\n', ["-a", "letters"]),
        ('[a]\nbase = "cnn-config-1"\n[a]\n', ["line 3"]),
        (
            '[a]\nbase = "cnn-config-1"\ndropout = 0.5\n[b]\nbase = "cnn-config-2"\n'
            '[c]\ndropout = 0.5\nmax_shift = 0\nbase = "cnn-config-1"\n',
            ["[a]", "[c]"],
        ),
    ],
)
def test_read_variants_invalid_file_raises_with_its_path(
    text: str, words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "v.toml"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        read_variants(file)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_read_variants_unreadable_file_raises(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "v.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_variants(file)
    assert caught.value.path == str(file)


def test_plan_trials_variant_keeps_its_own_settings() -> None:
    changes = {"max_epochs": 5, "patience": 3, "batch_size": 32, "precision": "bfloat16"}
    own = Variant(PUBLISHED["cnn-config-1"], changes)
    wide = Variant(RESNET, {"width": 16})
    options = {"max_epochs": 7, "patience": 2, "batch_size": 8, "width": 4}
    configs = plan_configs(make_grid({"own": own, "wide": wide}, **options))
    assert {key: configs["own"][key] for key in changes} == changes
    assert (configs["own"]["width"], configs["wide"]["width"]) == (None, 16)
    assert (configs["cnn-config-1"]["max_epochs"], configs["wide"]["max_epochs"]) == (7, 7)
    assert configs["wide"]["patience"] == 7


def test_plan_trials_variant_differs_from_its_preset_only_in_its_changes() -> None:
    variant = Variant(PUBLISHED["cnn-config-1"], {"dropout": 0.3})
    configs = plan_configs(make_grid({"more": variant}))
    assert configs["more"] == {**configs["cnn-config-1"], "dropout": 0.3}


def test_plan_trials_class_weights_apply_to_every_configuration() -> None:
    variant = Variant(PUBLISHED["cnn-config-1"], {"dropout": 0.3})
    configs = plan_configs(make_grid({"more": variant}, class_weights="balanced"))
    assert {config["class_weights"] for config in configs.values()} == {"balanced"}
    only_one = Variant(PUBLISHED["cnn-config-1"], {"class_weights": "balanced"})
    configs = plan_configs(make_grid({"weighted": only_one}))
    assert configs["weighted"]["class_weights"] == "balanced"
    assert "class_weights" not in configs["cnn-config-1"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dropout": 2.0}, "v: dropout "),
        ({"optimizer": "adam"}, "v: momentum "),
        ({"schedule": "one_cycle"}, "v: patience "),
        ({"width": 8}, "v: width "),
    ],
)
def test_grid_config_variant_with_a_value_out_of_range_raises(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DataError) as caught:
        make_grid({"v": Variant(PUBLISHED["cnn-config-1"], changes)})
    assert caught.value.problem.startswith(problem)
    assert caught.value.expected is not None


@pytest.mark.parametrize(
    "unrecorded", [UnrecordedSettings(), UnrecordedSettings("balanced", orientations=True)]
)
@pytest.mark.parametrize(
    ("base", "changes"),
    [
        ("cnn-config-1", {"dropout": 0.3}),
        ("cnn-config-1", {"max_epochs": 5, "patience": 2, "batch_size": 32}),
        ("resnet", {"width": 16, "max_epochs": 9}),
        ("resnet", {"patience": 70}),
        ("cnn-config-2", {"family": "resnet", "width": 8}),
        ("cnn-config-2", {"precision": "bfloat16", "class_weights": "balanced"}),
        ("cnn-config-2", {"orientations": True}),
    ],
)
def test_recover_variants_gives_the_recorded_plan(
    base: str, changes: dict[str, Any], unrecorded: UnrecordedSettings
) -> None:
    settings = unrecorded._asdict()
    grid = make_grid({"v": Variant(CONFIGURATIONS[base], changes)}, **settings)
    trials, record = grid.plan_trials(), grid.to_record()
    assert recover_unrecorded_settings(trials) == unrecorded
    variants = recover_variants(record, trials, unrecorded)
    again = make_grid(variants, **settings)
    assert again.plan_trials() == trials


def test_recover_variants_setting_from_an_option_follows_the_option() -> None:
    changes = {"dropout": 0.3, "batch_size": 32}
    grid = make_grid({"v": Variant(PUBLISHED["cnn-config-1"], changes)}, max_epochs=7)
    variants = recover_variants(grid.to_record(), grid.plan_trials(), UnrecordedSettings())
    assert [*variants] == ["v"]
    assert variants["v"].changes == {"batch_size": 32}
    config = plan_configs(make_grid(variants, max_epochs=9))["v"]
    assert (config["max_epochs"], config["batch_size"], config["dropout"]) == (9, 32, 0.3)


def test_settings_are_those_of_a_configuration_without_seed_and_fold() -> None:
    values = PUBLISHED["cnn-config-1"].to_dict()
    assert {*SETTINGS} == {*values, "class_weights", "orientations"} - {"seed"}
