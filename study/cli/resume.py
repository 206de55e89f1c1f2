"""`bloodstudy resume`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli import options
from study.cli.arguments import open_ledger, resolve_gpus_per_trial
from study.cli.launch import launch
from study.cli.option_groups import RunOptions
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells

_RECORDED = "as recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedResourceOptions:
    """Options that replace the recorded resources for the remaining trials."""

    device: Annotated[
        options.Device,
        typer.Option(
            show_default=_RECORDED,
            help="Device to train on; auto keeps the recorded device.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = "auto"
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="N",
            show_default=_RECORDED,
            help="Number of GPUs per trial; below 1, trials share a GPU.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    max_concurrent: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default=_RECORDED,
            help="Maximum number of concurrent trials.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            callback=options.resolve_address,
            show_default=options.ADDRESS_DEFAULT,
            help="Address of a Ray cluster, or local; required if the study ran on a cluster.",
            rich_help_panel=options.RESOURCES_PANEL,
        ),
    ] = None


def resume(
    study: options.StudyArgument,
    *,
    data_file: options.StudyDataFileOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    resources: ChangedResourceOptions,
    stall_timeout: options.StallTimeoutOption = None,
    allow_code_change: options.AllowCodeChangeOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Resume an interrupted study with its recorded settings.

    Unfinished trials resume from their checkpoints. Options for resources replace
    the recorded values; no other setting can change.

    Examples:
      bloodstudy resume STUDY
      bloodstudy resume STUDY --max-concurrent 2
    """
    from study.configs.study_config import make_resume_config

    ledger = open_ledger(storage, study)
    record = ledger.study
    config = make_resume_config(
        record,
        ledger.location,
        gpus_per_trial=resolve_gpus_per_trial(resources.device, resources.gpus_per_trial),
        max_concurrent=resources.max_concurrent,
        address=resources.address,
        stall_timeout_s=stall_timeout,
    )

    def load_cells(reading: AbstractContextManager[None]) -> "BloodCells":
        from study.datasets.lookup import load_study_data

        with raise_interrupts():  # a download
            return load_study_data(record, data_file, download=True, reading=reading)

    run = RunOptions(resume=True, allow_code_change=allow_code_change, quiet=quiet)
    launch(config, load_cells, run)
