"""One study, from plan to report."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from bloodnets.data import BloodCells
from bloodnets.errors import MachineError
from reports.ledger import Ledger
from reports.page import write_report
from reports.records import Confirmation, PlannedTrial
from reports.typeset import data_words, plural
from study import resume, status
from study.cluster import watched
from study.config import GridConfig, SearchConfig, StudyConfig
from study.confirm import confirmation
from study.describe import describe
from study.interrupts import Interrupts, StudyInterruptedError
from study.nodes import refuse_unfit
from study.progress import Past, Progress, closing_table
from study.resources import (
    RAY_LOG,
    default_gpus,
    output_to,
    ray_session,
    slots,
)
from study.resume import opened
from study.search_progress import SearchProgress
from study.search_progress import closing_table as closing_table_of_search
from study.searcher import OPTUNA_FILE
from study.tuner import marked, run_proposals, run_trials

Config = TypeVar("Config", GridConfig, SearchConfig)


def run_grid(
    config: GridConfig, cells: BloodCells, *, command: tuple[str, ...], goes_on: bool, quiet: bool
) -> bool:
    """Train every trial of the plan, enter each in the ledger, write and announce the report.

    Args:
        config: the plan.
        cells: the data.
        command: the words that the user typed, for the record.
        goes_on: whether the study is there, and only what it lacks is to be done.
        quiet: print the report's path alone.

    Returns:
        Whether every trial is complete.

    Raises:
        StudyError: the study could not start, or its folder not be written.
        StudyInterruptedError: by Ctrl-C or SIGTERM; the trials that had ended are in the ledger.
    """
    config = _with_gpus(config)
    with opened(config.place, describe(config, cells, command), goes_on=goes_on) as ledger:
        planned = plural(len(ledger.study.trials), "trial")
        work = partial(_grid, config, cells, ledger)
        session = _Session(config=config, cells=cells, ledger=ledger, goes_on=goes_on, quiet=quiet)
        return session.run(planned, work, closing_table)


def run_search(
    config: SearchConfig, cells: BloodCells, *, command: tuple[str, ...], goes_on: bool, quiet: bool
) -> bool:
    """Search, train the best configurations again, write and announce the report.

    Args, returns and raises: as in `run_grid`.
    """
    config = _with_gpus(config)
    with opened(config.place, describe(config, cells, command), goes_on=goes_on) as ledger:
        planned = f"at most {plural(config.search.trials, 'trial')}"
        work = partial(_search, config, cells, ledger)
        session = _Session(config=config, cells=cells, ledger=ledger, goes_on=goes_on, quiet=quiet)
        return session.run(planned, work, closing_table_of_search)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """One run of the command on a study, from the first line to the report."""

    config: StudyConfig
    cells: BloodCells
    ledger: Ledger
    goes_on: bool
    quiet: bool

    def run(
        self, planned: str, work: Callable[[Console], None], closing: Callable[[Ledger], Table]
    ) -> bool:
        config, ledger = self.config, self.ledger
        console = Console(quiet=self.quiet, highlight=False)
        interrupts = Interrupts()
        further = f"go on with: {status.command(ledger, config.address)}"
        try:
            data = data_words(ledger.study.data).short
            console.print(f"{config.name}: {planned}. {data}", markup=False)
            if self.goes_on:
                notes = resume.check(ledger)
                console.print(f"{status.done(ledger)}.", *notes, sep="\n", markup=False)
            if status.unfinished(ledger):
                self._work(work, further)
            write_report(ledger, images=self.cells.test.images)
            ledger.keep("report")
        except KeyboardInterrupt:
            words = f"interrupted; {status.done(ledger)}; {further}"
            raise StudyInterruptedError(words, interrupts.number) from None
        console.print(closing(ledger))
        index = ledger.place / "report/index.html"
        said = index if self.quiet else f"Report: {index}"
        Console(highlight=False).print(said, soft_wrap=True)
        return all(trial.status != "failed" for trial in ledger.trials())

    def _work(self, work: Callable[[Console], None], further: str) -> None:
        started, ledger = False, self.ledger
        try:
            with (
                _kept(ledger),
                output_to(ledger.folder / RAY_LOG) as stderr,
                ray_session(self.config),
            ):
                if self.config.address is not None:
                    refuse_unfit(ledger.place, marked(ledger))
                started = True
                terminal = Console(file=stderr, quiet=self.quiet)
                with watched(
                    lambda what: stderr.write(f"bloodstudy: Ray's {what} is gone; {further}\n")
                ):
                    try:
                        work(terminal)
                    except KeyboardInterrupt:
                        stderr.write("stopping; Ctrl-C ends it at once\n")
                        raise
        except MachineError as error:
            if started or self.goes_on:
                raise MachineError(f"{error}; {further}") from error
            ledger.files.remove("")  # so that the same command can be given again
            raise


@contextmanager
def _kept(ledger: Ledger) -> Iterator[None]:
    """Put the files that other programs write where they belong, however the work ends."""
    try:
        yield
    finally:
        # They are no part of the ledger, and an error of the work itself says more.
        with suppress(MachineError):
            for name in (RAY_LOG, OPTUNA_FILE):
                ledger.keep(name)


def _grid(config: GridConfig, cells: BloodCells, ledger: Ledger, console: Console) -> None:
    trials = ledger.study.trials
    with Progress(trials, console, past=_past(ledger, trials)) as progress:
        look = "chosen in advance, at its best val epoch"
        run_trials(config, cells, ledger, trials, look=look, progress=progress)


def _search(config: SearchConfig, cells: BloodCells, ledger: Ledger, console: Console) -> None:
    end = ledger.confirmation() or _proposed(config, cells, ledger, console)
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
    with Progress(end.trials, console, past=_past(ledger, end.trials)) as progress:
        look = "chosen by the search, on val alone, to be confirmed"
        run_trials(config, cells, ledger, end.trials, look=look, progress=progress)


def _past(ledger: Ledger, trials: Sequence[PlannedTrial]) -> Past:
    """Those of the trials that have ended, each with its last epoch."""
    found = [record for trial in trials if (record := ledger.trial(trial)) is not None]
    return [(record, next(reversed(ledger.epochs(record.id)), None)) for record in found]


def _proposed(
    config: SearchConfig, cells: BloodCells, ledger: Ledger, console: Console
) -> Confirmation:
    """How the search ended, when every proposal is in the ledger."""
    past, began = ledger.trials(), time.monotonic()
    before_s = resume.spent_s(past)
    with SearchProgress(config.search, console, spent_s=before_s) as progress:
        for record in past:
            progress.past(record, ledger.epochs(record.id))
        ended_by = run_proposals(
            config, cells, ledger, config.search, progress=progress, spent_s=before_s
        )
    end = confirmation(
        ledger,
        config.search,
        ended_by=ended_by,
        duration_s=before_s + time.monotonic() - began,
        at_once=min(slots(config), config.search.trials),
    )
    ledger.confirm(end)
    return end


def _with_gpus(config: Config) -> Config:
    if config.gpus_per_trial is None:
        return replace(config, gpus_per_trial=default_gpus(config.address))
    return config
