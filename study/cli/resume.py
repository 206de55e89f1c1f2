"""`bloodstudy resume`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli import options
from study.cli.arguments import open_ledger, resolve_gpus_per_trial
from study.cli.launch import launch
from study.cli.option_groups import RunOptions
from study.runtime.signals import enable_keyboard_interrupt

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells

_RECORDED = "as recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedResourceOptions:
    """What the remaining trials run on, where that is not what the study recorded."""

    device: Annotated[
        options.Device,
        typer.Option(
            show_default=_RECORDED,
            help="auto keeps the recorded device.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = "auto"
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="N",
            show_default=_RECORDED,
            help="GPUs per trial. With a fraction below 1, trials share a GPU.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    max_concurrent: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default=_RECORDED,
            help="Maximum number of trials at the same time.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            callback=options.require_address,
            show_default="local: Ray on this host",
            help="Address of a Ray cluster; required if the study ran on one.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None


def resume(
    study: options.StudyArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    data_file: options.StudyDataFileOption = None,
    resources: ChangedResourceOptions,
    allow_code_change: options.AllowCodeChangeOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Resume a study that was interrupted, with the options that it was started with."""
    from study.configs.study_config import make_resume_config

    ledger = open_ledger(storage, study)
    record = ledger.study
    config = make_resume_config(
        record,
        ledger.location,
        gpus_per_trial=resolve_gpus_per_trial(resources.device, resources.gpus_per_trial),
        max_concurrent=resources.max_concurrent,
        address=resources.address,
    )

    def load_cells(reading: AbstractContextManager[None]) -> "BloodCells":
        from study.datasets.lookup import load_study_data

        with enable_keyboard_interrupt():  # a download
            return load_study_data(record, data_file, download=True, reading=reading)

    run = RunOptions(resume=True, allow_code_change=allow_code_change, quiet=quiet)
    launch(config, load_cells, run)
