"""One study, from plan to report."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Thread

from rich.console import Console

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ResourceError
from reports.format.text import make_data_label
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.states import TrialState
from study.configs.study_config import GridConfig, SearchConfig
from study.lifecycle import status
from study.lifecycle.resume import check_study_files, open_study
from study.lifecycle.study_record import make_study_record
from study.runtime.node_check import require_uniform_nodes
from study.runtime.session import RAY_LOG, get_default_gpus, open_ray_session, redirect_output
from study.runtime.signals import InterruptHandler, StudyInterruptedError
from study.runtime.watchdog import watch_ray
from study.tuning.optuna_study import OPTUNA_FILE
from study.tuning.tuner import write_probe_file


def run_study(
    config: GridConfig | SearchConfig,
    cells: BloodCells,
    *,
    command: tuple[str, ...],
    resume: bool,
    allow_code_change: bool = False,
    quiet: bool,
) -> bool:
    """Train every trial of a grid, or search; enter each in the ledger; write the report.

    Args:
        config: what to do.
        cells: the data.
        command: the words that the user typed, for the record.
        resume: whether the study is there, and only what it lacks is to be done.
        allow_code_change: whether it may be resumed with other software.
        quiet: print the report's path alone.

    Returns:
        Whether every trial is complete.

    Raises:
        StudyError: the study could not start, or its folder not be written.
        StudyInterruptedError: by Ctrl-C or SIGTERM; the trials that had ended are in the ledger.
    """
    if config.gpus_per_trial is None:
        config = replace(config, gpus_per_trial=get_default_gpus(config.address))
    requested = make_study_record(config, cells, command)
    with open_study(
        config.location, requested, resume=resume, allow_code_change=allow_code_change
    ) as ledger:
        session = _StudySession(
            config=config, cells=cells, ledger=ledger, resume=resume, quiet=quiet
        )
        return session.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _StudySession:
    """One run of the command on a study, from the first line to the report."""

    config: GridConfig | SearchConfig
    cells: BloodCells
    ledger: Ledger
    resume: bool
    quiet: bool

    def run(self) -> bool:
        config, ledger = self.config, self.ledger
        if ledger.study.search is None:
            trial_count = format_count(len(ledger.study.trials), "trial")
        else:
            trial_count = f"at most {format_count(ledger.study.search.n_trials, 'trial')}"
        console = Console(quiet=self.quiet, highlight=False)
        interrupts = InterruptHandler()
        resume_hint = f"go on with: {status.format_resume_command(ledger, config.address)}"
        try:
            data = make_data_label(ledger.study.data).short
            console.print(f"{config.name}: {trial_count}. {data}", markup=False)
            if self.resume:
                notes = check_study_files(ledger)
                console.print(
                    f"{status.format_ended_count(ledger)}.", *notes, sep="\n", markup=False
                )
            if status.is_unfinished(ledger):
                self._train_with_ray(resume_hint)
            from reports.page.publish import write_analysis
            from reports.sections.findings import analyze

            analysis = analyze(ledger, self.cells.test.images)
            write_analysis(analysis, ledger.folder / "report")
            ledger.upload("report")
        except KeyboardInterrupt:
            message = f"interrupted; {status.format_ended_count(ledger)}; {resume_hint}"
            raise StudyInterruptedError(message, interrupts.signal_number) from None
        from study.tuning.phases import make_summary_table

        console.print(make_summary_table(analysis.loaded_study))
        report_path = ledger.location / "report/index.html"
        output = report_path if self.quiet else f"Report: {report_path}"
        Console(highlight=False).print(output, soft_wrap=True)
        return all(trial.state is not TrialState.FAILED for trial in ledger.read_trials())

    def _train_with_ray(self, resume_hint: str) -> None:
        is_ray_ready, ledger = False, self.ledger
        # SciPy and matplotlib, for the screen and the report, while Ray starts: it mostly waits.
        Thread(target=import_module, args=("reports.page.publish",)).start()
        try:
            with (
                _upload_logs_on_exit(ledger),
                redirect_output(ledger.folder / RAY_LOG) as stderr,
                open_ray_session(self.config),
            ):
                if self.config.address is not None:
                    require_uniform_nodes(ledger.location, write_probe_file(ledger))
                is_ray_ready = True
                terminal = Console(file=stderr, quiet=self.quiet)
                from study.tuning.phases import train_all

                with watch_ray(
                    lambda what: stderr.write(f"bloodstudy: Ray's {what} is gone; {resume_hint}\n")
                ):
                    try:
                        train_all(self.config, self.cells, ledger, terminal)
                    except KeyboardInterrupt:
                        stderr.write("stopping; Ctrl-C ends it at once\n")
                        raise
        except ResourceError as error:
            if is_ray_ready or self.resume:
                raise ResourceError(f"{error}; {resume_hint}") from error
            ledger.storage.remove("")  # so that the same command can be given again
            raise


@contextmanager
def _upload_logs_on_exit(ledger: Ledger) -> Iterator[None]:
    """Put the files that other programs write where they belong, however the work ends."""
    try:
        yield
    finally:
        # They are no part of the ledger, and an error of the work itself says more.
        with suppress(ResourceError):
            for name in (RAY_LOG, OPTUNA_FILE):
                ledger.upload(name)
