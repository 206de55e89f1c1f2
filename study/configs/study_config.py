"""The settings of a study: `GridConfig` and `SearchConfig`, checked before Ray starts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import NotRequired, Self, TypedDict, Unpack, cast, get_args

from bloodnets.config import MAX_FOLDS, MIN_FOLDS, ClassWeights, Precision, TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.location import STUDY_FILE, StudyPath
from reports.ledger.planned_trial import Config, PlannedTrial, get_replicate_name
from reports.ledger.records import GpusPerTrial, GridRecord, StudyRecord
from reports.ledger.search_record import SearchRecord
from study.configs.presets import CONFIGURATIONS
from study.configs.search_space import validate
from study.configs.value_checks import require_at_least, require_choice
from study.configs.variants import (
    UnrecordedSettings,
    Variant,
    get_option_settings,
    get_preset,
    recover_unrecorded_settings,
    recover_variants,
)

_NAME_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class StudySettings(TypedDict):
    """Attributes of `StudyConfig`, as keyword arguments of its subclasses."""

    name: str
    storage_root: StudyPath
    cpus_per_trial: int
    gpus_per_trial: GpusPerTrial | None
    max_concurrent: int | None
    address: str | None
    has_default_name: NotRequired[bool]
    stall_timeout_s: NotRequired[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """Settings that a grid and a search have in common: name, location and resources.

    Attributes:
        name: Letters, digits, `.`, `_`, `-`; at most 64; no leading dot.
        storage_root: Folder or address that holds the folders of studies.
        cpus_per_trial: CPU cores per trial, and threads on a CPU; at least 1.
        gpus_per_trial: GPUs per trial, or those of each family. A fraction below 1 lets trials
            share a GPU, 0 trains on the CPU, and None leaves it to `resolve_gpu_shares`.
        max_concurrent: Maximum number of trials at the same time; None for as many as fit.
        address: Address of a Ray cluster; None starts Ray on this host.
        has_default_name: Whether `name` was not given by the user. A number is then appended if a
            study of this name exists.
        stall_timeout_s: Seconds without a report after which a trial is restarted, above 0; None
            for never. The ledger does not keep it.

    Raises:
        DataError: A value is out of its range.
    """

    name: str
    storage_root: StudyPath
    cpus_per_trial: int
    gpus_per_trial: GpusPerTrial | None
    max_concurrent: int | None
    address: str | None
    has_default_name: bool = False
    stall_timeout_s: float | None = None

    def __post_init__(self) -> None:
        if not _NAME_PATTERN.fullmatch(self.name):
            expected = "letters, digits, '.', '_' and '-', at most 64, no leading dot"
            raise DataError.of_value("--name", self.name, expected)
        require_at_least("--cpus-per-trial", self.cpus_per_trial, 1)
        require_at_least("--max-concurrent", self.max_concurrent, 1)
        for n_gpus in self.gpu_shares:
            if not (0 <= n_gpus <= 1 or n_gpus in range(2, 1025)):
                raise DataError.of_value("--gpus-per-trial", n_gpus, "0 to 1, or a whole number")

    @property
    def location(self) -> StudyPath:
        """Folder or address of the study's ledger."""
        return self.storage_root / self.name

    @property
    def gpu_shares(self) -> tuple[float, ...]:
        """GPUs per trial, each number once; 0 if they are not resolved yet."""
        gpus = self.gpus_per_trial
        return tuple(set(gpus.values())) if isinstance(gpus, Mapping) else (gpus or 0.0,)

    def get_gpus(self, family: str) -> float:
        """Return the GPUs of a trial of a family; 0 if they are not resolved yet."""
        gpus = self.gpus_per_trial
        return gpus[family] if isinstance(gpus, Mapping) else gpus or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConfig(StudyConfig):
    """Settings of a grid, checked.

    Attributes:
        configurations: Names in `presets.CONFIGURATIONS` or `variants`, in the order of the tables.
        seeds: Number of seeds, at least 1: seeds 0 to `seeds - 1` for every configuration.
        folds: Number of folds of a cross-validation over train and val; None without one.
        max_epochs: Maximum number of epochs per trial, at least 1; None for the value of each
            configuration.
        patience: Epochs without a better val macro F1 before a trial ends, at least 1. Trials of
            the family resnet ignore it and train for all epochs.
        width: First-stage channels of the residual networks, at least 1; None for the value of
            each configuration.
        batch_size: Images per step, at least 1; None for the value of each configuration.
        precision: Precision of matrix products in training.
        class_weights: Weights of the classes in the training loss.
        orientations: Whether predictions are means over the eight orientations of an image.
        variants: Configurations that are not presets, by name. The record of the grid lacks them
            and the two settings before; `from_record` recovers all from the planned trials.

    Raises:
        DataError: A value is out of its range.
    """

    configurations: tuple[str, ...]
    seeds: int
    max_epochs: int | None
    patience: int
    width: int | None
    batch_size: int | None
    precision: Precision
    class_weights: ClassWeights = "none"
    orientations: bool = False
    folds: int | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # `super()` without arguments fails here, because `slots=True` makes a new class.
        StudyConfig.__post_init__(self)
        for name in self.configurations:
            if name not in self.variants:
                get_preset(name, "--config")
        require_at_least("--seeds", self.seeds, 1)
        if self.folds is not None and not MIN_FOLDS <= self.folds <= MAX_FOLDS:
            raise DataError.of_value("--folds", self.folds, f"{MIN_FOLDS} to {MAX_FOLDS}")
        require_at_least("--max-epochs", self.max_epochs, 1)
        require_at_least("--patience", self.patience, 1)
        require_at_least("--width", self.width, 1)
        require_at_least("--batch-size", self.batch_size, 1)
        require_choice("--precision", self.precision, get_args(Precision))
        require_choice("--class-weights", self.class_weights, get_args(ClassWeights))
        for name in self.variants:
            self._check_variant(name)

    def _check_variant(self, name: str) -> None:
        try:
            self._make_trial_config(name, self.to_record())
        except DataError as error:
            raise DataError(
                f"{name}: {error.problem}", value=error.value, expected=error.expected
            ) from error

    @classmethod
    def from_record(
        cls, record: GridRecord, trials: Sequence[PlannedTrial], **settings: Unpack[StudySettings]
    ) -> Self:
        """Make the settings of a grid from its record and trials, and from those of any study."""
        unrecorded = recover_unrecorded_settings(trials)
        variants = recover_variants(record, trials, unrecorded)
        return cls(**asdict(record), **unrecorded._asdict(), variants=variants, **settings)

    @property
    def families(self) -> tuple[str, ...]:
        """Families of the configurations, each once."""
        return tuple(dict.fromkeys(trial.config["family"] for trial in self.plan_trials()))

    def to_record(self) -> GridRecord:
        """Return the settings of the grid as the ledger keeps them."""
        return GridRecord(**{field.name: getattr(self, field.name) for field in fields(GridRecord)})

    def plan_trials(self) -> tuple[PlannedTrial, ...]:
        """Return the plan: every configuration with every seed, and with every fold of the seed."""
        record = self.to_record()
        configs = {name: self._make_trial_config(name, record) for name in self.configurations}
        return tuple(
            make_planned_trial(name, replace(config, seed=seed, folds=self.folds, fold=fold))
            for name, config in configs.items()
            for seed in range(self.seeds)
            for fold in (range(self.folds) if self.folds else (None,))
        )

    def _make_trial_config(self, name: str, record: GridRecord) -> TrialConfig:
        """Return the configuration with seed 0."""
        variant = self.variants.get(name) or Variant(CONFIGURATIONS[name], {})
        unrecorded = UnrecordedSettings(self.class_weights, self.orientations)
        settings = get_option_settings(variant, record, unrecorded)
        return replace(variant.base, **{**settings, **variant.changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig(StudyConfig):
    """Settings of a search, checked.

    Attributes:
        search: Search space, sampler, pruning, stopping and re-training.

    Raises:
        DataError: A value is out of its range.
    """

    search: SearchRecord

    def __post_init__(self) -> None:
        StudyConfig.__post_init__(self)
        validate(self.search)

    @property
    def families(self) -> tuple[str, ...]:
        """Families that are searched."""
        return self.search.families


def make_resnet_baseline(
    *, max_epochs: int, batch_size: int, precision: Precision, seed: int
) -> TrialConfig:
    """Return the configuration `resnet` as a trial of a search.

    Raises:
        DataError: A value is out of its range.
    """
    return replace(
        CONFIGURATIONS["resnet"],
        max_epochs=max_epochs,
        patience=max_epochs,
        batch_size=batch_size,
        precision=precision,
        seed=seed,
    )


def make_planned_trial(name: str, config: TrialConfig) -> PlannedTrial:
    """Return the planned trial of a configuration, with its id."""
    record = make_config_record(config)
    trial_id = f"{name}-{get_replicate_name(record)}-{config.compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=record)


def make_config_record(config: TrialConfig) -> Config:
    """Return a configuration as the ledger keeps it."""
    return cast("Config", config.to_dict())


def make_resume_config(
    study: StudyRecord,
    location: StudyPath,
    *,
    gpus_per_trial: GpusPerTrial | None,
    max_concurrent: int | None,
    address: str | None,
    stall_timeout_s: float | None = None,
) -> GridConfig | SearchConfig:
    """Make the settings with which a study is resumed, from its record.

    Args:
        study: Record of the study.
        location: Folder or address of the study.
        gpus_per_trial: GPUs per trial; None for what is recorded.
        max_concurrent: Maximum number of trials at the same time; None for the recorded number.
        address: Address of the Ray cluster; `local` for Ray on this host; None if none is given.
        stall_timeout_s: Seconds without a report after which a trial is restarted; None for never.

    Raises:
        DataError: The study ran on a cluster and no address is given. The recorded address is not
            used unasked, because the study may come from another user.
        ConflictError: The record describes neither a grid nor a search.
    """
    resources = study.resources
    if address is None and resources.cluster_address is not None:
        raise DataError(
            f"{study.name} ran on the cluster at {resources.cluster_address}",
            remedy=f"pass --address {resources.cluster_address} to resume there, or --address "
            f"local to resume on this machine",
        )
    if isinstance(location, Path) and not location.name.strip("."):
        location = location.resolve()
    settings = StudySettings(
        name=location.name,
        storage_root=location.parent,
        cpus_per_trial=resources.cpus_per_trial,
        gpus_per_trial=resources.gpus_per_trial if gpus_per_trial is None else gpus_per_trial,
        max_concurrent=resources.max_concurrent if max_concurrent is None else max_concurrent,
        address=None if address == "local" else address,
        stall_timeout_s=stall_timeout_s,
    )
    if study.search is not None:
        return SearchConfig(search=study.search, **settings)
    if study.grid is None:
        raise ConflictError(f"{location / STUDY_FILE} describes neither a grid nor a search")
    return GridConfig.from_record(study.grid, study.trials, **settings)
