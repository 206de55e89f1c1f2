"""Define variants: configurations that are a preset with other settings.

A variant comes from `--set`, from a TOML file, or from the trials of a recorded study.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from bloodnets.config import ClassWeights, TrialConfig
from bloodnets.errors import DataError, suggest_or_list_names
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import GridRecord
from study.configs.presets import CONFIGURATIONS, PUBLISHED, RESNET

_REPLICATE_OPTIONS = {"seed": "--seeds", "folds": "--folds", "fold": "--folds"}
"""Options that set what the trials of a configuration differ in, by field of `TrialConfig`."""

SETTINGS = tuple(
    field.name for field in fields(TrialConfig) if field.name not in _REPLICATE_OPTIONS
)
"""Names of the settings that a variant can change, in the order of its name."""

_TYPES = get_type_hints(TrialConfig)
_TYPE_TEXTS = {bool: "true or false", int: "a whole number", float: "a number"}
_NAME_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


class Variant(NamedTuple):
    """Preset with other settings.

    Attributes:
        base: Settings of the preset.
        changes: Changed settings by name; the options of a grid do not replace them.
    """

    base: TrialConfig
    changes: Mapping[str, Any]


class UnrecordedSettings(NamedTuple):
    """Settings of all configurations of a grid that its record lacks, but its trials have.

    Attributes:
        class_weights: Weights of the classes in the training loss.
        orientations: Whether predictions are means over the eight orientations of an image.
    """

    class_weights: ClassWeights = "none"
    orientations: bool = False


def get_preset(name: str, label: str) -> TrialConfig:
    """Return a preset.

    Args:
        name: Name of the preset.
        label: Option or key that gives the name, for the error.

    Raises:
        DataError: There is no such preset.
    """
    if name not in CONFIGURATIONS:
        remedy = suggest_or_list_names(name, CONFIGURATIONS)
        raise DataError(f"{label} is {name!r}", value=name, remedy=remedy)
    return CONFIGURATIONS[name]


def make_variants(names: Iterable[str], assignments: Sequence[str]) -> dict[str, Variant]:
    """Return a variant of each preset with the settings of `--set`, by the name of the variant.

    The name consists of the preset and the settings, e.g. `cnn-config-1-dropout-0.3`.

    Args:
        names: Names of presets.
        assignments: Texts such as `dropout=0.3`.

    Raises:
        DataError: A preset or a setting is unknown, a value has another type, or a name would be
            too long.
    """
    changes: dict[str, object] = {}
    for text in assignments:
        key, separator, value = text.partition("=")
        if not separator:
            raise DataError.of_value("--set", text, "KEY=VALUE, e.g. dropout=0.3")
        _require_setting(key, "--set")
        if key in changes:
            raise DataError(f"--set {key} is given twice", value=text, remedy="give it once")
        changes[key] = _convert(key, value, label=f"--set {key}", strict=False)
    variants = {}
    for preset_name in names:
        preset = get_preset(preset_name, "--config")
        name = _make_name(preset_name, changes)
        if not _NAME_PATTERN.fullmatch(name):
            remedy = "set fewer settings, or choose a name in a file for --configs"
            raise DataError.of_value(
                "the name of the configuration", name, "at most 64 letters", remedy=remedy
            )
        variants[name] = Variant(preset, changes)
    return variants


def read_variants(path: Path) -> dict[str, Variant]:
    """Return the variants in a TOML file by name, in the order of the file.

    Each table is a variant. The table has the variant's name, the key `base` with the name of a
    preset, and a key for each changed setting.

    Args:
        path: TOML file.

    Raises:
        DataError: The file cannot be read, a name, a key or a value is not valid, or two tables
            have the same settings.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", path=path) from error
    except ValueError as error:  # not TOML, or not UTF-8
        problem = f"{path} is not a TOML file: {error}"
        raise DataError(problem, path=path, remedy="correct this line") from error
    if not tables:
        raise DataError(
            f"{path} has no configuration", path=path, expected="a table [NAME] for each"
        )
    variants = {name: _read_variant(path, name, table) for name, table in tables.items()}
    _require_different(path, variants)
    return variants


def _require_different(path: Path, variants: Mapping[str, Variant]) -> None:
    """Check that no two variants of a file have equal settings.

    Raises:
        DataError: Two variants would train the same model.
    """
    settings = {name: asdict(v.base) | {**v.changes} for name, v in variants.items()}
    for (name, values), (other, other_values) in combinations(settings.items(), 2):
        if values == other_values:
            raise DataError(
                f"{path}: [{name}] and [{other}] have the same settings",
                path=path,
                value=other,
                expected="settings of its own in each table",
                remedy="remove one of them",
            )


def _read_variant(path: Path, name: str, table: object) -> Variant:
    if not isinstance(table, dict):
        raise DataError(f"{path}: {name} is not in a table", path=path, expected="[NAME] above it")
    if not _NAME_PATTERN.fullmatch(name):
        expected = "letters, digits, '.', '_' and '-', at most 64, no leading dot or hyphen"
        raise DataError.of_value(f"{path}: the name of a table", name, expected)
    if name in CONFIGURATIONS:
        problem = f"{path}: [{name}] has the name of a configuration that exists"
        raise DataError(problem, path=path, value=name, remedy="choose another name")
    values = {**table}
    base = values.pop("base", None)
    if base is None:
        raise DataError(
            f"{path}: [{name}] has no base",
            path=path,
            value=name,
            remedy='add the configuration that it changes, e.g. base = "cnn-config-1"',
        )
    if not isinstance(base, str):
        expected = 'the name of a configuration, e.g. base = "cnn-config-1"'
        raise DataError.of_value(f"{path}: base of [{name}]", base, expected)
    preset = get_preset(base, f"{path}: base of [{name}]")
    for key in values:
        _require_setting(key, f"{path}: [{name}]")
    return Variant(
        preset,
        {
            key: _convert(key, value, label=f"{path}: {key} of [{name}]", strict=True)
            for key, value in values.items()
        },
    )


def recover_variants(
    grid: GridRecord, trials: Sequence[PlannedTrial], unrecorded: UnrecordedSettings
) -> dict[str, Variant]:
    """Return the variants of a recorded grid by name.

    A setting that equals the one from the grid's options follows the options if these change.

    Args:
        grid: Settings of the grid.
        trials: Planned trials of the grid.
        unrecorded: Settings that the record lacks, from `recover_unrecorded_settings`.
    """
    variants = {}
    for trial in trials:
        if trial.configuration in CONFIGURATIONS:
            continue
        config = replace(TrialConfig.from_dict(trial.config), seed=0, folds=None, fold=None)
        # Presets of a family have the same limits, width and batch size.
        preset = RESNET if config.family == "resnet" else PUBLISHED["cnn-config-1"]
        defaults = get_option_settings(Variant(preset, {}), grid, unrecorded)
        values = asdict(config)
        changes = {key: values[key] for key, value in defaults.items() if values[key] != value}
        variants[trial.configuration] = Variant(config, changes)
    return variants


def recover_unrecorded_settings(trials: Sequence[PlannedTrial]) -> UnrecordedSettings:
    """Return the settings with which a recorded grid trained its presets."""
    presets = [trial.config for trial in trials if trial.configuration in CONFIGURATIONS]
    if not presets:
        return UnrecordedSettings()
    return UnrecordedSettings(
        class_weights=presets[0].get("class_weights", "none"),
        orientations=presets[0].get("orientations", False),
    )


def get_option_settings(
    variant: Variant, grid: GridRecord, unrecorded: UnrecordedSettings
) -> dict[str, Any]:
    """Return the settings that the options of a grid give a variant, or else its preset.

    Args:
        variant: Preset and changes. Changes decide about family and maximum number of epochs, which
            other settings depend on.
        grid: Options of the grid.
        unrecorded: Options of the grid that its record lacks.
    """
    base, changes = variant
    is_resnet = changes.get("family", base.family) == "resnet"
    max_epochs = grid.max_epochs or base.max_epochs
    return {
        "max_epochs": max_epochs,
        # Also for the ablation without the schedule, which then differs only in the schedule.
        "patience": changes.get("max_epochs", max_epochs) if is_resnet else grid.patience,
        "width": (grid.width or base.width) if is_resnet else None,
        "batch_size": grid.batch_size or base.batch_size,
        "precision": grid.precision,
        **unrecorded._asdict(),
    }


def _require_setting(key: str, label: str) -> None:
    if (option := _REPLICATE_OPTIONS.get(key)) is not None:
        remedy = f"use {option}, which applies to all configurations of a study"
        raise DataError(f"{label} cannot change {key}", value=key, remedy=remedy)
    if key not in SETTINGS:
        remedy = suggest_or_list_names(key, SETTINGS)
        raise DataError(f"{label} has the unknown setting {key!r}", value=key, remedy=remedy)


def _convert(key: str, value: object, *, label: str, strict: bool) -> object:
    """Return a value with the type of its setting; a strict conversion reads no text as a number.

    The text `none` stands for None, which TOML lacks.
    """
    types = get_args(_TYPES[key]) or (_TYPES[key],)
    if value == "none" and type(None) in types:
        return None
    try:
        return TypeAdapter(_TYPES[key]).validate_python(value, strict=strict)
    except ValidationError:
        texts = [_TYPE_TEXTS.get(t, str(t)) for t in types if t is not type(None)]
        expected = " or ".join([*texts, *(["none"] if type(None) in types else [])])
        raise DataError.of_value(label, value, expected) from None


def _make_name(preset_name: str, changes: Mapping[str, object]) -> str:
    parts = [preset_name]
    for key in SETTINGS:
        if key in changes:
            parts += [key.replace("_", "-"), _format_value(changes[key])]
    return "-".join(parts)


def _format_value(value: object) -> str:
    if isinstance(value, float):
        short = f"{value:g}"
        return (short if float(short) == value else repr(value)).replace("+", "")
    return str(value).lower().replace("_", "-")
