"""One study, from plan to report."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Thread

from rich.console import Console

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import MachineError
from reports.format.text import data_words
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from study.configs.study_config import GridConfig, SearchConfig
from study.lifecycle import resume, status
from study.lifecycle.resume import opened
from study.lifecycle.study_record import describe
from study.runtime.node_check import refuse_unfit
from study.runtime.session import RAY_LOG, default_gpus, output_to, ray_session
from study.runtime.signals import Interrupts, StudyInterruptedError
from study.runtime.watchdog import watched
from study.tuning.optuna_study import OPTUNA_FILE
from study.tuning.tuner import marked


def run_study(
    config: GridConfig | SearchConfig,
    cells: BloodCells,
    *,
    command: tuple[str, ...],
    goes_on: bool,
    quiet: bool,
) -> bool:
    """Train every trial of a grid, or search; enter each in the ledger; write the report.

    Args:
        config: what to do.
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
    if config.gpus_per_trial is None:
        config = replace(config, gpus_per_trial=default_gpus(config.address))
    with opened(config.place, describe(config, cells, command), goes_on=goes_on) as ledger:
        session = _Session(config=config, cells=cells, ledger=ledger, goes_on=goes_on, quiet=quiet)
        return session.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """One run of the command on a study, from the first line to the report."""

    config: GridConfig | SearchConfig
    cells: BloodCells
    ledger: Ledger
    goes_on: bool
    quiet: bool

    def run(self) -> bool:
        config, ledger = self.config, self.ledger
        if ledger.study.search is None:
            planned = plural(len(ledger.study.trials), "trial")
        else:
            planned = f"at most {plural(ledger.study.search.trials, 'trial')}"
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
                self._work(further)
            from reports.page.publish import write_report

            write_report(ledger, images=self.cells.test.images)
            ledger.keep("report")
        except KeyboardInterrupt:
            words = f"interrupted; {status.done(ledger)}; {further}"
            raise StudyInterruptedError(words, interrupts.number) from None
        from study.tuning.phases import closing

        console.print(closing(ledger))
        index = ledger.place / "report/index.html"
        said = index if self.quiet else f"Report: {index}"
        Console(highlight=False).print(said, soft_wrap=True)
        return all(trial.status != "failed" for trial in ledger.trials())

    def _work(self, further: str) -> None:
        started, ledger = False, self.ledger
        # SciPy and matplotlib, for the screen and the report, while Ray starts: it mostly waits.
        Thread(target=import_module, args=("reports.page",)).start()
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
                from study.tuning.phases import work

                with watched(
                    lambda what: stderr.write(f"bloodstudy: Ray's {what} is gone; {further}\n")
                ):
                    try:
                        work(self.config, self.cells, ledger, terminal)
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
