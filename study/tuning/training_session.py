"""Manage Ray, its log and the terminal while trials run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import NamedTuple

from rich.console import Console

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.console.phase import show_phase
from study.lifecycle.status import format_resume_command
from study.runtime.node_check import require_uniform_nodes
from study.runtime.session import RAY_LOG, open_ray_session, redirect_output
from study.runtime.watchdog import Heartbeat, watch_ray
from study.tuning.search_run import OPTUNA_FILE


class TrainingSession(NamedTuple):
    """Terminal and heartbeat of a session in which trials run.

    Attributes:
        terminal: The only way to the terminal; all other output goes to a log.
        heartbeat: Heartbeat of the trials. If it stops, the process exits.
    """

    terminal: Console
    heartbeat: Heartbeat


@contextmanager
def open_training_session(
    config: GridConfig | SearchConfig, ledger: Ledger, *, resume: bool, quiet: bool
) -> Iterator[TrainingSession]:
    """Start Ray or join a cluster, and yield the session; the output of Ray goes to a log.

    Args:
        config: Settings of the study.
        ledger: Ledger of the study. If it is new and Ray does not start, its folder is removed.
        resume: Whether an existing study is resumed.
        quiet: Whether to print nothing.

    Raises:
        ResourceError: Ray did not start, or the trials could not be run.
    """
    is_ray_ready = False
    n_trials = count_remaining_trials(config, ledger)
    try:
        with (
            ThreadPoolExecutor(max_workers=1) as importer,
            _upload_logs_on_exit(ledger),
            redirect_output(ledger.folder / RAY_LOG) as stderr,
            ExitStack() as ray_stack,
        ):
            terminal = Console(file=stderr, quiet=quiet)
            with show_phase(terminal, _describe_start(config.address)):
                ray_stack.enter_context(
                    open_ray_session(
                        config,
                        n_trials=n_trials,
                        data_bytes=ledger.study.data.image_bytes,
                    )
                )
                _import_engine(config, importer)
                _check_nodes(config, ledger)
            is_ray_ready = True

            def say_lost(reason: str) -> None:
                hint = format_resume_hint(ledger, config.address)
                stderr.write(f"bloodstudy: {reason}; {hint}\n")

            heartbeat = Heartbeat()
            with watch_ray(heartbeat, say_lost):
                try:
                    yield TrainingSession(terminal, heartbeat)
                except KeyboardInterrupt:
                    hint = "; press Ctrl-C again to exit immediately"
                    stderr.write(f"stopping{hint if stderr.isatty() else ' …'}\n")
                    raise
            with show_phase(terminal, "stopping Ray …"):
                ray_stack.close()
    except ResourceError as error:
        if is_ray_ready or resume:
            raise error.with_remedy(format_resume_hint(ledger, config.address)) from error
        ledger.files.remove("")  # so that the same command can be repeated
        raise


def format_resume_hint(ledger: Ledger, address: str | None) -> str:
    """Return the remedy that names the command to resume a study."""
    return f"resume with: {format_resume_command(ledger, address)}"


def _describe_start(address: str | None) -> str:
    return "starting Ray …" if address is None else f"joining the Ray cluster at {address} …"


def count_remaining_trials(config: GridConfig | SearchConfig, ledger: Ledger) -> int:
    """Return the maximum number of trials that may still run at the same time, at least 1.

    Args:
        config: Settings of the study.
        ledger: Ledger of the study. Ended trials of a search are not subtracted.
    """
    if isinstance(config, GridConfig):
        return max(1, sum(ledger.read_trial(trial) is None for trial in ledger.study.trials))
    search = config.search
    n_retrained = search.retrain_top + len(make_baseline_configs(search))
    return max(search.n_trials, n_retrained * search.retrain_seeds)


def _import_engine(config: GridConfig | SearchConfig, importer: ThreadPoolExecutor) -> None:
    """Import Ray Tune, and Optuna for a search.

    The imports follow the start of Ray, because its workers, which take longer, then import at the
    same time. They run in a thread, because an interrupt would leave a module half imported.
    """
    importer.submit(import_module, "study.tuning.tuner").result()
    if isinstance(config, SearchConfig):
        importer.submit(import_module, "study.tuning.optuna_study").result()


def _check_nodes(config: GridConfig | SearchConfig, ledger: Ledger) -> None:
    """Raise if a node of a cluster differs, or cannot use its GPU although trials need one."""
    if config.address is not None:
        from study.tuning.tuner import write_probe_file

        probe_file = write_probe_file(ledger)
        uses_gpus = bool(config.gpus_per_trial)
        require_uniform_nodes(ledger.location, probe_file, uses_gpus=uses_gpus)


@contextmanager
def _upload_logs_on_exit(ledger: Ledger) -> Iterator[None]:
    """Upload the files of Ray and Optuna at the end of the context, even after an error."""
    try:
        yield
    finally:
        # These files are not part of the ledger, and must not hide the original error.
        with suppress(ResourceError):
            for name in (RAY_LOG, OPTUNA_FILE):
                ledger.files.upload(name)
