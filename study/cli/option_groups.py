"""Groups of options that several commands share, each declared once as a dataclass.

Typer reads the options of a command from its signature. `expand_option_groups` puts the fields of
the groups into the signature and passes the groups to the command.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, is_dataclass
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.config import DEFAULT_BATCH_SIZE, Precision
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import MedMnistFile, get_bloodmnist, parse_option
from bloodnets.storage.location import parse_location
from study.cli import arguments, options
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL, RESNET
from study.configs.value_checks import MAX_BATCH_SIZE
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.configs.study_config import StudySettings


def expand_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose signature has the options of its groups in place of the groups.

    Args:
        command: Function with keyword parameters. A parameter annotated with a dataclass is a
            group; its fields are the options.
    """
    groups: dict[str, type] = {}
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        annotation: object = parameter.annotation
        if isinstance(annotation, type) and is_dataclass(annotation):
            groups[name] = annotation
            parameters += signature(annotation).parameters.values()
        else:
            parameters.append(parameter)

    @functools.wraps(command)
    def run(**values: object) -> None:
        for name, group in groups.items():
            names = signature(group).parameters
            values[name] = group(**{option: values.pop(option) for option in names})
        command(**values)

    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """Training options apart from the configurations."""

    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_BATCH_SIZE,
            metavar="N",
            show_default=f"{DEFAULT_BATCH_SIZE}; {RESNET.batch_size} for resnet",
            help="Number of images per optimizer step.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    precision: Annotated[
        Precision | None,
        typer.Option(
            show_default="float32",
            help="Precision of matrix products in training; all else is float32.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Options that select the images of a study."""

    data: options.DataOption = None
    data_file: options.DataFileOption = None
    data_root: options.DataRootOption = None
    drop_duplicates: Annotated[
        bool,
        typer.Option(
            "--drop-duplicates",
            help="Remove images from train that are also in val or test or have two labels in "
            "train, and images from val that are also in test.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = False

    @property
    def names_data(self) -> bool:
        """Whether an option names the data, so that they are not those of another study."""
        return self.data is not None or self.data_file is not None or self.data_root is not None

    def load(self, reading: AbstractContextManager[None]) -> "BloodCells":
        """Load the data; a missing file of MedMNIST is downloaded.

        Args:
            reading: Context that shows that data are being read.

        Raises:
            DataError: The options contradict each other, or the file is not a data file.
            ResourceError: The data cannot be downloaded.
        """
        self._require_one_source()
        file, medmnist_file = self.data_file, None
        if file is None and self.data != options.SYNTHETIC:
            from bloodnets.data.download import ensure_medmnist_file

            medmnist_file = get_bloodmnist() if self.data is None else parse_option(self.data)
            with raise_interrupts():  # a download
                file = ensure_medmnist_file(medmnist_file, self.data_root)
        with reading:
            from bloodnets.data.medmnist import load_file, load_synthetic

            try:
                cells = load_synthetic() if file is None else load_file(file)
                _require_data_set(cells, medmnist_file)
            except DataError as error:
                if self.data_file is not None:
                    raise
                raise error.with_remedy("remove the file to download it again") from error
            if not self.drop_duplicates:
                return cells
            from study.datasets.duplicates import drop_duplicates

            return drop_duplicates(cells)

    def _require_one_source(self) -> None:
        """Check that no other option contradicts `--data`."""
        option = "--data-file" if self.data_file else "--data-root"
        is_synthetic = self.data == options.SYNTHETIC
        if (self.data and self.data_file) or (is_synthetic and self.data_root):
            raise DataError(
                f"--data {self.data} cannot be combined with {option}", remedy=f"omit {option}"
            )


def _require_data_set(cells: "BloodCells", file: MedMnistFile | None) -> None:
    """Check that a file with the name of a data set of MedMNIST has its contents.

    A file named `bloodmnist.npz` may hold other cells.

    Raises:
        DataError: The MD5 is another one.
    """
    if file is not None and file != get_bloodmnist() and cells.md5 != file.md5:
        raise DataError(
            f"{cells.path} is not {file.title}: its MD5 is {cells.md5}",
            path=cells.path,
            value=cells.md5,
            expected=file.md5,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOptions:
    """Options that select the devices of the trials."""

    device: Annotated[
        options.Device,
        typer.Option(
            help="Device to train on; auto uses a GPU if this machine or a cluster node has one.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = "auto"
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="N",
            show_default=f"{DEFAULT_GPUS_PER_TRIAL} with a GPU, else 0",
            help="Number of GPUs per trial; below 1, trials share a GPU.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    max_concurrent: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default="as many as fit",
            help="Maximum number of concurrent trials.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    address: options.AddressOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options that control how a study runs."""

    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume the study given by --name; repeat its other options.",
            rich_help_panel=options.STUDY_PANEL,
        ),
    ] = False
    allow_code_change: options.AllowCodeChangeOption = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the plan with its estimated duration and exit.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False
    quiet: options.QuietOption = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """Name and location of a study, and the CPU cores of its trials."""

    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default="command, date and time",
            help="Name of the study, made of letters, digits, '.', '_' and '-'.",
            rich_help_panel=options.STUDY_PANEL,
        ),
    ] = None
    storage: options.StorageOption = options.DEFAULT_STORAGE
    cpus_per_trial: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of CPU cores per trial.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = 1

    def make_settings(
        self, study_kind: str, resources: ResourceOptions, *, resume: bool
    ) -> "StudySettings":
        """Return the settings that a grid and a search share.

        Raises:
            DataError: The options contradict each other.
        """
        storage_root = parse_location(self.storage)
        return {
            "name": arguments.resolve_study_name(
                study_kind, self.name, storage_root, resume=resume
            ),
            "has_default_name": self.name is None,
            "storage_root": storage_root,
            "cpus_per_trial": self.cpus_per_trial,
            "gpus_per_trial": arguments.resolve_gpus_per_trial(
                resources.device, resources.gpus_per_trial
            ),
            "max_concurrent": resources.max_concurrent,
            "address": None if resources.address == "local" else resources.address,
        }
