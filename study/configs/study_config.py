"""What a command is asked to do: `GridConfig` and `SearchConfig`, checked before Ray starts."""

import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from bloodnets.config import Precision, TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.location import STUDY_FILE, StudyPath
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import GridRecord, StudyRecord
from reports.ledger.search_record import SearchRecord
from study.configs.presets import CONFIGURATIONS
from study.configs.search_space import validate

_NAME_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """What a grid and a search have in common: a name, a place, and resources.

    Attributes:
        name: letters, digits, `.`, `_`, `-`; at most 64; no leading dot.
        storage_root: the folder, or the address, that holds studies' folders.
        cpus_per_trial: cores, and threads on a CPU.
        gpus_per_trial: a fraction below 1 lets trials share a GPU; 0 trains on the CPU; None
            leaves it to `session.get_default_gpus`.
        max_concurrent: trials at once; None for as many as there is room for.
        address: of a Ray cluster; None starts Ray on this machine.

    Raises:
        DataError: a value is out of its range; the message says which and what is wanted.
    """

    name: str
    storage_root: StudyPath
    cpus_per_trial: int
    gpus_per_trial: float | None
    max_concurrent: int | None
    address: str | None

    def __post_init__(self) -> None:
        if not _NAME_PATTERN.fullmatch(self.name):
            raise DataError(
                f"--name is {self.name!r}; wanted: letters, digits, '.', '_' and '-', at most 64, "
                f"no leading dot"
            )
        n_gpus = self.gpus_per_trial
        if n_gpus is not None and not (0 <= n_gpus <= 1 or n_gpus in range(2, 1025)):
            raise DataError(f"--gpus-per-trial is {n_gpus}; wanted: 0 to 1, or a whole number")

    @property
    def location(self) -> StudyPath:
        """Where the study's ledger is."""
        return self.storage_root / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConfig(StudyConfig):
    """A grid, checked.

    Attributes:
        configurations: names in `presets.CONFIGURATIONS`, in the order of the tables.
        seeds: how many; seeds 0 to `seeds - 1`, the same for every configuration.
        max_epochs: at most, each trial; None for what each configuration says.
        patience: epochs without a better val macro F1 before a trial ends; those of the family
            resnet train to the end, as a schedule does.
        width: of the configurations of the family resnet; None for what each says.
        batch_size: images a step; None for what each configuration says.
        precision: of products in training.

    Raises:
        DataError: a value is out of its range; the message says which and what is wanted.
    """

    configurations: tuple[str, ...]
    seeds: int
    max_epochs: int | None
    patience: int
    width: int | None
    batch_size: int | None
    precision: Precision

    def __post_init__(self) -> None:
        # `super()` without arguments does not work here: slots make the class anew.
        StudyConfig.__post_init__(self)
        for name in self.configurations:
            if name not in CONFIGURATIONS:
                raise DataError(f"--config is {name!r}; wanted: one of {', '.join(CONFIGURATIONS)}")

    @classmethod
    def from_record(cls, record: GridRecord, **common: Any) -> Self:
        """Make the settings of a grid from its record.

        Args:
            record: Record of the grid.
            **common: Attributes of `StudyConfig`.
        """
        return cls(**asdict(record), **common)

    def to_record(self) -> GridRecord:
        """Return the settings of the grid as the ledger keeps them."""
        return GridRecord(**{field.name: getattr(self, field.name) for field in fields(GridRecord)})

    def plan_trials(self) -> tuple[PlannedTrial, ...]:
        """The plan: every configuration with every seed."""
        return tuple(
            make_planned_trial(name, self._make_trial_config(name, seed))
            for name in self.configurations
            for seed in range(self.seeds)
        )

    def _make_trial_config(self, name: str, seed: int) -> TrialConfig:
        overrides = {"max_epochs": self.max_epochs, "batch_size": self.batch_size}
        overrides |= {"width": self.width} if "width" in CONFIGURATIONS[name] else {}
        values = CONFIGURATIONS[name] | {
            key: value for key, value in overrides.items() if value is not None
        }
        # Also without its schedule: then nothing but what is left out differs from the whole.
        patience = values["max_epochs"] if values["family"] == "resnet" else self.patience
        return TrialConfig(**values, patience=patience, precision=self.precision, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig(StudyConfig):
    """A search, checked.

    Attributes:
        search: what it draws from, and how.

    Raises:
        DataError: a value is out of its range; the message says which and what is wanted.
    """

    search: SearchRecord

    def __post_init__(self) -> None:
        StudyConfig.__post_init__(self)
        validate(self.search)


def make_resnet_baseline(
    *, max_epochs: int, batch_size: int, precision: Precision, seed: int
) -> dict[str, Any]:
    """The configuration `resnet` as a trial of a search: `ResNetSpace.baseline_config`.

    Raises:
        DataError: a value is out of its range.
    """
    values = CONFIGURATIONS["resnet"] | {"max_epochs": max_epochs, "batch_size": batch_size}
    config = TrialConfig(**values, patience=max_epochs, precision=precision, seed=seed)
    return config.to_dict()


def make_planned_trial(name: str, config: TrialConfig) -> PlannedTrial:
    """A configuration with a seed, as a plan names it."""
    trial_id = f"{name}-s{config.seed}-{config.compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=config.to_dict())


def make_resume_config(
    study: StudyRecord,
    location: StudyPath,
    *,
    gpus_per_trial: float | None,
    max_concurrent: int | None,
    address: str | None,
) -> GridConfig | SearchConfig:
    """Make the settings with which a study is resumed, from its record.

    Args:
        study: Record of the study.
        location: Folder or address of the study.
        gpus_per_trial: GPUs per trial instead of those recorded; None for those.
        max_concurrent: Trials at the same time instead of those recorded; None for those.
        address: Address of the Ray cluster; `local` for Ray on this host; None if none is given.

    Raises:
        DataError: The study ran on a cluster and no address is given: an address in a folder that
            came from elsewhere is not connected to unasked.
    """
    resources = study.resources
    if address is None and resources.cluster_address is not None:
        raise DataError(
            f"{study.name} ran on the cluster at {resources.cluster_address}; give --address "
            f"{resources.cluster_address} to go on there, or --address local for this machine"
        )
    if isinstance(location, Path) and not location.name.strip("."):
        location = location.resolve()
    common: dict[str, Any] = {
        "name": location.name,
        "storage_root": location.parent,
        "cpus_per_trial": resources.cpus_per_trial,
        "gpus_per_trial": resources.gpus_per_trial if gpus_per_trial is None else gpus_per_trial,
        "max_concurrent": resources.max_concurrent if max_concurrent is None else max_concurrent,
        "address": None if address == "local" else address,
    }
    if study.search is not None:
        return SearchConfig(search=study.search, **common)
    if study.grid is None:
        raise ConflictError(f"{location / STUDY_FILE} describes neither a grid nor a search")
    return GridConfig.from_record(study.grid, **common)
