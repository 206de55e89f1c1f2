"""Ray and the terminal while trials run: what starts before them and ends after them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module

from rich.console import Console

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.console.phase import show_phase
from study.lifecycle.status import format_resume_command
from study.runtime.node_check import require_uniform_nodes
from study.runtime.session import RAY_LOG, open_ray_session, redirect_output
from study.runtime.watchdog import watch_ray
from study.tuning.search_run import OPTUNA_FILE


@contextmanager
def open_training_session(
    config: GridConfig | SearchConfig, ledger: Ledger, *, resume: bool, quiet: bool
) -> Iterator[Console]:
    """Start Ray, or join a cluster, and yield the terminal; all else that is printed is logged.

    Args:
        config: Settings of the study.
        ledger: Ledger of the study. If it is new and Ray does not start, its folder is removed.
        resume: Whether the study existed before.
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
                ray_stack.enter_context(open_ray_session(config, n_trials=n_trials))
                _import_engine(config, importer)
                _check_nodes(config, ledger)
            is_ray_ready = True

            def say_lost(part: str) -> None:
                hint = format_resume_hint(ledger, config.address)
                stderr.write(f"bloodstudy: Ray's {part} is gone; {hint}\n")

            with watch_ray(say_lost):
                try:
                    yield terminal
                except KeyboardInterrupt:
                    stderr.write("stopping; Ctrl-C ends it at once\n")
                    raise
    except ResourceError as error:
        if is_ray_ready or resume:
            raise error.with_remedy(format_resume_hint(ledger, config.address)) from error
        ledger.storage.remove("")  # so that the same command can be given again
        raise


def format_resume_hint(ledger: Ledger, address: str | None) -> str:
    """Return how to resume a study, as the remedy of an error."""
    return f"go on with: {format_resume_command(ledger, address)}"


def _describe_start(address: str | None) -> str:
    return "starting Ray …" if address is None else f"joining the Ray cluster at {address} …"


def count_remaining_trials(config: GridConfig | SearchConfig, ledger: Ledger) -> int:
    """Return the most trials that may still run at the same time, at least 1.

    Args:
        config: Settings of the study.
        ledger: Its ledger. What it holds of a search is not subtracted.
    """
    if isinstance(config, GridConfig):
        return max(1, sum(ledger.read_trial(trial) is None for trial in ledger.study.trials))
    search = config.search
    n_retrained = search.retrain_top + len(make_baseline_configs(search))
    return max(search.n_trials, n_retrained * search.retrain_seeds)


def _import_engine(config: GridConfig | SearchConfig, importer: ThreadPoolExecutor) -> None:
    """Import what runs the trials: with Ray Tune, and for a search with Optuna.

    Not before Ray has started, because the trials' processes, which take longer, import meanwhile
    as well. In a thread, because an interrupt would leave a module half imported.
    """
    importer.submit(import_module, "study.tuning.tuner").result()
    if isinstance(config, SearchConfig):
        importer.submit(import_module, "study.tuning.optuna_study").result()


def _check_nodes(config: GridConfig | SearchConfig, ledger: Ledger) -> None:
    """Refuse a cluster whose nodes differ."""
    if config.address is not None:
        from study.tuning.tuner import write_probe_file

        require_uniform_nodes(ledger.location, write_probe_file(ledger))


@contextmanager
def _upload_logs_on_exit(ledger: Ledger) -> Iterator[None]:
    """Put the files that other programs write where the study is, however the work ends."""
    try:
        yield
    finally:
        # They are not part of the ledger, and an error of the work itself says more.
        with suppress(ResourceError):
            for name in (RAY_LOG, OPTUNA_FILE):
                ledger.upload(name)
