"""One study, from plan to report."""

import shutil
from dataclasses import replace

from rich.console import Console

from bloodnets.data import BloodCells
from bloodnets.errors import MachineError
from reports.ledger import Ledger
from reports.page import write_report
from reports.typeset import data_words, plural
from study.config import StudyConfig
from study.describe import describe
from study.interrupts import Interrupts, StudyInterruptedError
from study.progress import Progress, closing_table
from study.resources import RAY_LOG, default_gpus, output_to, ray_session
from study.tuner import CHECKPOINTS, run_trials


def run_study(
    config: StudyConfig, cells: BloodCells, *, command: tuple[str, ...], quiet: bool
) -> bool:
    """Train every trial of the plan, enter each in the ledger, write and announce the report.

    Args:
        config: the plan.
        cells: the data.
        command: the words that the user typed, for the record.
        quiet: print the report's path alone.

    Returns:
        Whether every trial is complete.

    Raises:
        StudyError: the study could not start, or its folder not be written.
        StudyInterruptedError: by Ctrl-C or SIGTERM; the trials that had ended are in the ledger.
    """
    if config.gpus_per_trial is None:
        config = replace(config, gpus_per_trial=default_gpus())
    ledger = Ledger.create(config.folder, describe(config, cells, command))
    planned = len(ledger.study.trials)
    console = Console(quiet=quiet, highlight=False)
    data = data_words(ledger.study.data).short
    console.print(f"{config.name}: {plural(planned, 'trial')}. {data}", markup=False)
    interrupts = Interrupts()
    try:
        _train(config, cells, ledger, quiet)
    except KeyboardInterrupt:
        raise StudyInterruptedError(
            f"interrupted; {len(ledger.trials())} of {planned} trials had ended and are kept in "
            f"{config.folder}",
            interrupts.number,
        ) from None
    except MachineError:
        if not (ledger.folder / CHECKPOINTS).exists():  # Ray did not start: nothing to keep, and
            shutil.rmtree(ledger.folder)  # the same command can be given again
        raise
    index = write_report(ledger, images=cells.test.images)
    console.print(closing_table(ledger))
    Console(highlight=False).print(index if quiet else f"Report: {index}", soft_wrap=True)
    return all(trial.status == "complete" for trial in ledger.trials())


def _train(config: StudyConfig, cells: BloodCells, ledger: Ledger, quiet: bool) -> None:
    with output_to(config.folder / RAY_LOG) as terminal, ray_session(config):
        console = Console(file=terminal, quiet=quiet)
        with Progress(ledger.study.trials, console) as progress:
            run_trials(config, cells, ledger, progress)
