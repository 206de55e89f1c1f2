"""`bloodstudy resume`."""

from typing import TYPE_CHECKING

from study.cli import options
from study.cli.arguments import open_ledger, resolve_gpus_per_trial
from study.cli.launch import launch
from study.cli.option_groups import ResourceOptions, RunOptions
from study.runtime.signals import enable_keyboard_interrupt

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells


def resume(
    study: options.StudyArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    data_file: options.StudyDataFileOption = None,
    resources: ResourceOptions,
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

    def load_cells() -> "BloodCells":
        from study.datasets.lookup import load_study_data

        with enable_keyboard_interrupt():  # a download
            return load_study_data(record, data_file, download=True)

    run = RunOptions(resume=True, allow_code_change=allow_code_change, quiet=quiet)
    launch(config, load_cells, run)
