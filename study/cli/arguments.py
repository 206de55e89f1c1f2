"""Convert arguments and options to values."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bloodnets.errors import ConflictError, DataError, ResourceError, suggest_or_list_names
from bloodnets.storage.location import RemotePath, StudyPath, parse_location
from study.cli.options import Device
from study.configs.presets import (
    ABLATIONS,
    CONFIGURATIONS,
    DEFAULT_GPUS_PER_TRIAL,
    RESNET,
)
from study.configs.search_space import OPTIMIZERS, SearchFamily, SearchOptimizer

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger
    from reports.ledger.records import GpusPerTrial, StudyRecord
    from study.configs.variants import Variant


def resolve_study_name(
    study_kind: str, requested_name: str | None, storage_root: StudyPath, *, resume: bool
) -> str:
    """Return the requested name of a study, or its kind and the UTC time to the second.

    In object storage, random digits follow. No operation there decides which of two processes
    creates a study, while `open_study` appends a number to the name of a folder that exists.

    Args:
        study_kind: `grid` or `search`.
        requested_name: Name that the user gave; None for the default.
        storage_root: Folder or address that holds the studies.
        resume: Whether to resume an existing study.

    Raises:
        DataError: `resume` is set and no name is given.
    """
    if requested_name is not None:
        return requested_name
    if resume:
        raise DataError("--resume requires --name", remedy="add --name with the name of the study")
    name = f"{study_kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return f"{name}-{secrets.token_hex(4)}" if isinstance(storage_root, RemotePath) else name


def resolve_configurations(
    names: Collection[str] | None,
    *,
    ablation: bool,
    assignments: Sequence[str] | None = None,
    file: Path | None = None,
) -> tuple[tuple[str, ...] | None, dict[str, "Variant"]]:
    """Return the names of the configurations of a grid, each once, and the variants among them.

    Args:
        names: Names that the user gave; with `assignments`, the presets to change.
        ablation: Whether to train `resnet` and its ablations.
        assignments: Settings of the variants of `names`, e.g. `dropout=0.3`.
        file: TOML file with variants.

    Returns:
        Names, or None if no option selects a configuration; and the variants by name.

    Raises:
        DataError: Options cannot be combined, or a variant is not valid.
    """
    from study.configs.variants import make_variants, read_variants

    if ablation and names is not None:
        raise DataError("--ablation cannot be combined with --config", remedy="omit --config")
    if assignments and not names:
        raise DataError("--set requires --config", remedy="add --config with the one to change")
    variants = make_variants(names or (), assignments) if assignments else {}
    chosen = ("resnet", *ABLATIONS) if ablation else tuple(variants or names or ())
    if file is not None:
        file_variants = read_variants(file)
        if twice := variants.keys() & file_variants.keys():
            raise DataError(
                f"{file}: {min(twice)} is also made by --set",
                path=file,
                value=min(twice),
                remedy="choose another name",
            )
        variants |= file_variants
        chosen += tuple(file_variants)
    return tuple(dict.fromkeys(chosen)) or None, variants


def require_unset(options: Mapping[str, object], variants: Mapping[str, "Variant"]) -> None:
    """Check that no variant changes a setting that an option gives to all configurations.

    Args:
        options: Values of options by the name of the setting; None for an option not given.
        variants: Variants by name.

    Raises:
        DataError: A variant changes such a setting.
    """
    for setting, value in options.items():
        for name, variant in variants.items():
            if value is not None and setting in variant.changes:
                option = f"--{setting.replace('_', '-')}"
                raise DataError(
                    f"{option} cannot be combined with {name}, which has its own {setting}",
                    value=value,
                    remedy=f"omit {option}, or set {setting} for each configuration",
                )


def require_resnet(
    width: int | None, names: Collection[str], variants: Mapping[str, "Variant"]
) -> None:
    """Check that a given width applies to a configuration of the grid.

    A grid with an unknown name passes, because `GridConfig` checks the names.

    Args:
        width: Width that the user gave; None without one.
        names: Names of the configurations.
        variants: Variants by name.

    Raises:
        DataError: A width is given, but no residual network is trained.
    """
    families = {
        **{name: preset.family for name, preset in CONFIGURATIONS.items()},
        **{name: v.changes.get("family", v.base.family) for name, v in variants.items()},
    }
    if width is not None and all(families.get(name, "resnet") != "resnet" for name in names):
        raise DataError(
            f"--width {width} has no effect in this grid",
            value=width,
            remedy="omit --width, or add --config resnet",
        )


def resolve_optimizers(optimizer: SearchOptimizer | None, family: SearchFamily) -> tuple[str, ...]:
    """Return the optimizers that a search samples from.

    Raises:
        DataError: An optimizer is requested for a family that is trained with only one.
    """
    if family == "resnet":
        if optimizer is not None:
            raise DataError(
                f"--optimizer {optimizer} has no effect with --family resnet, which uses AdamW",
                value=optimizer,
                remedy="omit --optimizer",
            )
        return (RESNET.optimizer,)
    return OPTIMIZERS if optimizer is None else (optimizer,)


def resolve_gpus_per_trial(device: Device, gpus_per_trial: float | None) -> "GpusPerTrial | None":
    """Return the GPUs per trial, or None to use a GPU if a host has one.

    Raises:
        DataError: The two options cannot be combined.
    """
    if (device == "cpu" and gpus_per_trial) or (device == "cuda" and gpus_per_trial == 0):
        raise DataError(
            f"--device {device} cannot be combined with --gpus-per-trial {gpus_per_trial:g}",
            remedy="omit one of them",
        )
    if device == "cpu":
        return 0.0
    return DEFAULT_GPUS_PER_TRIAL if device == "cuda" and gpus_per_trial is None else gpus_per_trial


def open_ledger(storage_root: str, study: str) -> "Ledger":
    """Open the ledger of a study.

    Args:
        storage_root: Folder or address that holds the studies.
        study: Name, folder or address of the study.

    Raises:
        ConflictError: There is no readable study. If there is none, others are named.
        ResourceError: The address does not respond.
    """
    from reports.ledger.ledger import Ledger

    location = resolve_study_location(storage_root, study)
    try:
        return Ledger(location)
    except ConflictError as error:
        raise name_other_studies(error, location) from error.__cause__


def open_grid_record(storage_root: str, study: str) -> "StudyRecord":
    """Return the record of a grid, to repeat it.

    Args:
        storage_root: Folder or address that holds the studies.
        study: Name, folder or address of the study.

    Raises:
        DataError: The study is a search.
        ConflictError: There is no readable study. If there is none, others are named.
        ResourceError: The address does not respond.
    """
    record = open_ledger(storage_root, study).study
    if record.grid is None:
        raise DataError(
            f"--from {study} is a search",
            value=study,
            expected="a grid",
            remedy="repeat the command of the search, which its report shows",
        )
    return record


def name_other_studies(error: ConflictError, location: StudyPath) -> ConflictError:
    """Return the error about a missing study, with the names of other studies as the remedy.

    Args:
        error: Error about the study. It is returned as it is if the study exists, or if the folder
            or address that should hold it cannot be listed.
        location: Folder or address of the study.
    """
    from study.lifecycle.study_list import list_study_names

    try:
        names = list_study_names(location.parent)
    except (DataError, ResourceError):
        return error
    exists = isinstance(location, Path) and location.exists()
    if location.name in names or (exists and not names):
        return error
    remedy = suggest_or_list_names(location.name, names)
    if exists:
        return error.with_remedy(remedy)
    missing = ConflictError(
        f"no study {location.name!r} in {location.parent}/",
        path=str(location),
        value=location.name,
        remedy=error.remedy,
    )
    return missing.with_remedy(remedy)


def resolve_study_location(storage_root: str, study: str) -> StudyPath:
    """Return the folder or address of a study, given its name, folder or address."""
    root_location = parse_location(storage_root)
    if isinstance(root_location, RemotePath):
        return root_location / study if "://" not in study else parse_location(study)
    location = parse_location(study)
    if isinstance(location, RemotePath) or (root_location / location).is_dir():
        return location if isinstance(location, RemotePath) else root_location / location
    # The error about a missing name should show the path in `storage_root`.
    is_name = len(location.parts) == 1 and not location.exists()
    return root_location / location if is_name else location
