"""One study, from plan to report."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from bloodnets.data import BloodCells
from bloodnets.errors import MachineError
from reports.ledger import Ledger
from reports.page import write_report
from reports.typeset import data_words, plural
from study.config import GridConfig, SearchConfig, StudyConfig
from study.confirm import confirmation
from study.describe import describe
from study.interrupts import Interrupts, StudyInterruptedError
from study.progress import Progress, closing_table
from study.resources import RAY_LOG, default_gpus, output_to, ray_session, slots
from study.search_progress import SearchProgress
from study.search_progress import closing_table as closing_table_of_search
from study.tuner import run_proposals, run_trials

Config = TypeVar("Config", GridConfig, SearchConfig)


def run_grid(
    config: GridConfig, cells: BloodCells, *, command: tuple[str, ...], quiet: bool
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
    config = _with_gpus(config)
    ledger = Ledger.create(config.folder, describe(config, cells, command))
    planned = plural(len(ledger.study.trials), "trial")
    work = partial(_grid, config, cells, ledger)
    return _run(
        config, cells, ledger, planned=planned, work=work, closing=closing_table, quiet=quiet
    )


def run_search(
    config: SearchConfig, cells: BloodCells, *, command: tuple[str, ...], quiet: bool
) -> bool:
    """Search, train the best configurations again, write and announce the report.

    Args, returns and raises: as in `run_grid`.
    """
    config = _with_gpus(config)
    ledger = Ledger.create(config.folder, describe(config, cells, command))
    planned = f"at most {plural(config.search.trials, 'trial')}"
    work, closing = partial(_search, config, cells, ledger), closing_table_of_search
    return _run(config, cells, ledger, planned=planned, work=work, closing=closing, quiet=quiet)


def _run(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    *,
    planned: str,
    work: Callable[[Console], None],
    closing: Callable[[Ledger], Table],
    quiet: bool,
) -> bool:
    console = Console(quiet=quiet, highlight=False)
    data = data_words(ledger.study.data).short
    console.print(f"{config.name}: {planned}. {data}", markup=False)
    interrupts, started = Interrupts(), False
    try:
        with output_to(config.folder / RAY_LOG) as terminal, ray_session(config):
            started = True
            work(Console(file=terminal, quiet=quiet))
    except KeyboardInterrupt:
        raise StudyInterruptedError(
            f"interrupted; what had ended is kept in {config.folder}: "
            f"{plural(len(ledger.trials()), 'trial')}",
            interrupts.number,
        ) from None
    except MachineError:
        if not started:  # nothing to keep, and the same command can be given again
            shutil.rmtree(ledger.folder)
        raise
    index = write_report(ledger, images=cells.test.images)
    console.print(closing(ledger))
    Console(highlight=False).print(index if quiet else f"Report: {index}", soft_wrap=True)
    return all(trial.status != "failed" for trial in ledger.trials())


def _grid(config: GridConfig, cells: BloodCells, ledger: Ledger, console: Console) -> None:
    trials = ledger.study.trials
    with Progress(trials, console) as progress:
        look = "chosen in advance, at its best val epoch"
        run_trials(config, cells, ledger, trials, look=look, progress=progress)


def _search(config: SearchConfig, cells: BloodCells, ledger: Ledger, console: Console) -> None:
    began = time.monotonic()
    with SearchProgress(config.search, console) as progress:
        ended_by = run_proposals(config, cells, ledger, config.search, progress=progress)
    end = confirmation(
        ledger,
        config.search,
        ended_by=ended_by,
        duration_s=time.monotonic() - began,
        at_once=min(slots(config), config.search.trials),
    )
    ledger.confirm(end)
    if not end.trials:
        return
    again = len(end.trials) // config.search.confirm_seeds
    console.print(
        f"The search is over. {plural(again, 'configuration')} trained again with "
        f"{plural(config.search.confirm_seeds, 'other seed')}: {plural(len(end.trials), 'trial')}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    with Progress(end.trials, console) as progress:
        look = "chosen by the search, on val alone, to be confirmed"
        run_trials(config, cells, ledger, end.trials, look=look, progress=progress)


def _with_gpus(config: Config) -> Config:
    if config.gpus_per_trial is None:
        return replace(config, gpus_per_trial=default_gpus())
    return config
