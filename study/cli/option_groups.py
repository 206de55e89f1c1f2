"""Groups of options that several commands share, each declared once as a dataclass.

Typer reads the options of a command from its signature. `expand_option_groups` puts the fields of
the groups into the signature and passes the groups to the command.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.config import DEFAULT_BATCH_SIZE, Precision
from bloodnets.storage.location import parse_location
from study.cli import arguments, options
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL, RESNET
from study.configs.value_checks import MAX_BATCH_SIZE

if TYPE_CHECKING:
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
            show_default=f"{DEFAULT_GPUS_PER_TRIAL['cnn']} with a GPU, "
            f"{DEFAULT_GPUS_PER_TRIAL['resnet']:g} for resnet; else 0",
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
    stall_timeout: options.StallTimeoutOption = None


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
            "stall_timeout_s": resources.stall_timeout,
        }
