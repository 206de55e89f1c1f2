"""What a study does while Ray runs: train what its plan or its search asks for.

Apart from `run`, as the screen wants the tables of reports, and with them SciPy and matplotlib.
"""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bloodnets.data.medmnist import BloodCells
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.records import Confirmation, PlannedTrial
from study.configs.study_config import GridConfig, SearchConfig
from study.console.grid_progress import Past, Progress, closing_table
from study.console.search_progress import SearchProgress
from study.console.search_progress import closing_table as closing_table_of_search
from study.lifecycle import resume
from study.runtime.resources import slots
from study.tuning.confirmation import confirmation
from study.tuning.tuner import run_proposals, run_trials


def work(
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
        _grid(config, cells, ledger, console)
    else:
        _search(config, cells, ledger, console)


def closing(ledger: Ledger) -> Table:
    """The table that a command ends with."""
    return closing_table(ledger) if ledger.study.search is None else closing_table_of_search(ledger)


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
