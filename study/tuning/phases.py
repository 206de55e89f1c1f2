"""What a study does while Ray runs: train what its plan or its search asks for.

Apart from `tuning.run`, as the screen wants the tables of reports, and with them SciPy and
matplotlib.
"""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bloodnets.data.medmnist import BloodCells
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.search_record import Confirmation
from study.configs.study_config import GridConfig, SearchConfig
from study.console.grid_progress import EndedTrials, GridProgress, make_grid_summary_table
from study.console.search_progress import SearchProgress, make_search_summary_table
from study.lifecycle.resume import compute_elapsed_search_s
from study.runtime.resources import compute_max_parallel_trials
from study.tuning.confirmation import plan_confirmation
from study.tuning.tuner import run_proposals, run_trials


def train_all(
    config: GridConfig | SearchConfig, cells: BloodCells, ledger: Ledger, console: Console
) -> None:
    """Train every trial that the ledger lacks.

    Args:
        config: what to do.
        cells: the data.
        ledger: of the study.
        console: shows how it goes.

    Raises:
        StudyError: the ledger could not be written, or Ray gave up.
    """
    if isinstance(config, GridConfig):
        _run_grid_phase(config, cells, ledger, console)
    else:
        _run_search_phase(config, cells, ledger, console)


def make_summary_table(loaded_study: LoadedStudy) -> Table:
    """The table that a command ends with."""
    if loaded_study.search is None:
        return make_grid_summary_table(loaded_study)
    return make_search_summary_table(loaded_study)


def _run_grid_phase(
    config: GridConfig, cells: BloodCells, ledger: Ledger, console: Console
) -> None:
    trials = ledger.study.trials
    with GridProgress(trials, console, ended_trials=_load_ended_trials(ledger, trials)) as progress:
        test_reason = "chosen in advance, at its best val epoch"
        run_trials(config, cells, ledger, trials, test_reason=test_reason, listener=progress)


def _run_search_phase(
    config: SearchConfig, cells: BloodCells, ledger: Ledger, console: Console
) -> None:
    end = ledger.read_confirmation() or _finish_search(config, cells, ledger, console)
    if not end.trials:
        return
    n_configurations = len(end.trials) // config.search.retrain_seeds
    console.print(
        f"The search is over. {format_count(n_configurations, 'configuration')} trained again with "
        f"{format_count(config.search.retrain_seeds, 'other seed')}: "
        f"{format_count(len(end.trials), 'trial')}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    with GridProgress(
        end.trials, console, ended_trials=_load_ended_trials(ledger, end.trials)
    ) as progress:
        test_reason = "chosen by the search, on val alone, to be confirmed"
        run_trials(config, cells, ledger, end.trials, test_reason=test_reason, listener=progress)


def _load_ended_trials(ledger: Ledger, trials: Sequence[PlannedTrial]) -> EndedTrials:
    """Those of the trials that have ended, each with its last epoch."""
    records = [record for trial in trials if (record := ledger.read_trial(trial)) is not None]
    return [(record, next(reversed(ledger.read_epochs(record.id)), None)) for record in records]


def _finish_search(
    config: SearchConfig, cells: BloodCells, ledger: Ledger, console: Console
) -> Confirmation:
    """How the search ended, when every proposal is in the ledger."""
    ended_records, start_time = ledger.read_trials(), time.monotonic()
    previous_s = compute_elapsed_search_s(ended_records)
    with SearchProgress(config.search, console, elapsed_s=previous_s) as progress:
        for record in ended_records:
            progress.add_ended_trial(record, ledger.read_epochs(record.id))
        ended_by = run_proposals(
            config, cells, ledger, config.search, listener=progress, elapsed_s=previous_s
        )
    confirmation = plan_confirmation(
        ledger,
        config.search,
        ended_by=ended_by,
        duration_s=previous_s + time.monotonic() - start_time,
        concurrency=min(compute_max_parallel_trials(config), config.search.n_trials),
    )
    ledger.set_confirmation(confirmation)
    return confirmation
