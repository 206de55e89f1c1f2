"""`bloodstudy resume`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli import options
from study.cli.arguments import resolve_gpus_per_trial, resolve_study_location
from study.cli.launch import launch
from study.cli.options import DeviceChoice
from study.runtime.signals import enable_keyboard_interrupt

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells


def resume(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    storage: options.StorageOption = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
    device: options.DeviceOption = DeviceChoice.AUTO,
    gpus_per_trial: options.GpusPerTrialOption = None,
    max_concurrent: options.MaxConcurrentOption = None,
    address: options.AddressOption = None,
    allow_code_change: options.AllowCodeChangeOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Go on with a study that was interrupted, with the options that it began with."""
    from reports.ledger.ledger import Ledger
    from study.configs.study_config import make_resume_config

    location = resolve_study_location(storage, study)
    record = Ledger(location).study
    config = make_resume_config(
        record,
        location,
        gpus_per_trial=resolve_gpus_per_trial(device, gpus_per_trial),
        max_concurrent=max_concurrent,
        address=address,
    )

    def load_cells() -> "BloodCells":
        from study.datasets.lookup import load_study_data

        with enable_keyboard_interrupt():  # a download
            return load_study_data(record, data_file, download=True)

    launch(config, load_cells, resume=True, allow_code_change=allow_code_change, quiet=quiet)
