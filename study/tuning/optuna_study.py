"""The search's memory: Optuna proposes, the ledger keeps, Optuna is told how each trial ended.

Everything that Optuna knows it is told from the ledger, or could be: `Searcher` begins by telling
it what the ledger holds, so a search that goes on after an interruption knows what it knew. Its
file is a copy for `optuna-dashboard`; to lose it is to lose nothing.
"""

import sqlite3
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FixedTrial, FrozenTrial, TrialState, create_trial

from bloodnets.config import TrialConfig
from bloodnets.errors import MachineError
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, PlannedTrial, SearchRecord, TrialRecord
from study.configs.search_space import draw, inside, named, parameters
from study.tuning.asha import Rungs

OPTUNA_FILE = "optuna.db"
"""In a study's folder. SQLite, because a process killed in the middle of a write leaves a file that
can still be read; Optuna's journal file is not readable then."""

LOCK_TIMEOUT_S = 60.0
"""How long a write waits while a dashboard reads."""

_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class Searcher:
    """Makes proposals from all that the ledger holds, and follows the trials that run.

    Attributes:
        ledger: of the search.
        rungs: of ASHA, with all that earlier trials had reached.
    """

    def __init__(self, ledger: Ledger, search: SearchRecord) -> None:
        """Tell Optuna what the ledger holds: nothing, or the trials of a search that goes on.

        Raises:
            MachineError: Optuna's file cannot be written.
            ConflictError: the ledger cannot be read.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.ledger, self._search = ledger, search
        self._named = named(search)
        self._proposals = ledger.proposals()
        self._running: dict[str, optuna.Trial] = {}
        self._best: dict[str, float] = {}
        self.rungs = Rungs(search.rungs, reduction=search.reduction)
        self._study = _new_file(ledger.folder / OPTUNA_FILE, ledger.study.name)
        self._tell_past()

    def propose(self) -> PlannedTrial:
        """The next trial: one that was proposed and did not end, one with a name, or a new one.

        Raises:
            MachineError: the proposal cannot be written.
        """
        number = len(self._study.get_trials(deepcopy=False))
        try:
            # A sampler of its own for each proposal: with the same history, the same proposal,
            # whether or not the search was interrupted before it.
            seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
            self._study.sampler = make_sampler(self._search.sampler, int(seed))
            trial = self._study.ask()
            config = draw(trial, self._search)
            if trial.number < len(self._proposals):
                planned = self._proposals[trial.number]
            else:
                planned = self._planned(trial.number, config)
                self.ledger.propose(planned)
                self._proposals.append(planned)
            trial.set_user_attr("id", planned.id)
            trial.set_user_attr("configuration", planned.configuration)
        except StorageInternalError as error:
            raise _unwritable(error) from error
        self._running[planned.id] = trial
        return planned

    @property
    def running(self) -> int:
        """How many trials were proposed and have not ended."""
        return len(self._running)

    def started(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""
        self._best[trial_id] = 0.0

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool = False) -> None:
        """A trial finished an epoch, or goes on from a state that has it behind it.

        Raises:
            MachineError: Optuna's file cannot be written.
        """
        best = max(self._best[trial_id], epoch.val_macro_f1)
        self._best[trial_id] = best
        try:
            self._running[trial_id].report(best, epoch.epoch)
        except StorageInternalError as error:
            raise _unwritable(error) from error

    def retried(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again; Optuna sees one trial."""

    def ended(self, record: TrialRecord) -> None:
        """A trial is in the ledger.

        Raises:
            MachineError: Optuna's file cannot be written.
        """
        trial = self._running.pop(record.id)
        best = self._best.pop(record.id, 0.0)
        try:
            for name, value in _attributes(record).items():
                trial.set_user_attr(name, value)
            state = _STATES[record.status]
            self._study.tell(trial, best if state is TrialState.COMPLETE else None, state)
        except StorageInternalError as error:
            raise _unwritable(error) from error

    def _tell_past(self) -> None:
        for planned in self._proposals:
            record = self.ledger.trial(planned)
            known = parameters(TrialConfig.from_dict(planned.config), self._search)
            if record is None:
                self._study.enqueue_trial(known)
                continue
            values = [epoch.val_macro_f1 for epoch in self.ledger.epochs(planned.id)]
            self.rungs.replay(planned.id, values)
            self._study.add_trial(_frozen(record, known, values, self._search))
        names = list(self._named)
        for name in names[len(self._proposals) :]:
            config = self._named[name]
            if inside(config, self._search):
                self._study.enqueue_trial(parameters(config, self._search))

    def _planned(self, number: int, config: TrialConfig) -> PlannedTrial:
        names = [name for name, known in self._named.items() if known == config]
        return PlannedTrial(
            id=f"trial-{number}-{config.digest()}",
            configuration=names[0] if names else f"trial-{number}",
            config=config.to_dict(),
        )


def make_sampler(name: str, seed: int) -> BaseSampler:
    """One of `space.SAMPLERS`, made by Optuna."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if name == "tpe":
            # Together, because the best learning rate depends on the optimizer; in groups, because
            # only SGD has a momentum; and with trials that still run counted as bad ones, so that
            # those at once are not alike.
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
        if name == "gp":
            return GPSampler(seed=seed, warn_independent_sampling=False)
        if name == "cmaes":
            return CmaEsSampler(
                seed=seed, consider_pruned_trials=True, warn_independent_sampling=False
            )
        return RandomSampler(seed=seed)


def _new_file(path: Path, name: str) -> optuna.Study:
    """An empty Optuna study in a file of its own; what was there was made from the ledger."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, check_same_thread=False)

    try:
        path.unlink(missing_ok=True)
        path.touch()  # says clearly what cannot be written; an empty file is an empty database
        storage = optuna.storages.RDBStorage(
            # A URL would have to quote the path, and versions of SQLAlchemy differ in how.
            "sqlite:///optuna.db",
            engine_kwargs={"creator": connect},
        )
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(["val_macro_f1"])  # as a dashboard's axes say
        return study
    except (OSError, StorageInternalError) as error:
        raise _unwritable(error) from error


def _frozen(
    record: TrialRecord, known: dict[str, Any], values: list[float], search: SearchRecord
) -> FrozenTrial:
    """A trial that ended, as it stood in Optuna's file when it had."""
    fixed = FixedTrial(known)
    draw(fixed, search)
    best = [float(value) for value in np.maximum.accumulate(values)]
    return create_trial(
        state=_STATES[record.status],
        value=best[-1] if best and record.status != "failed" else None,
        params=fixed.params,
        distributions=fixed.distributions,
        user_attrs=_attributes(record),
        intermediate_values=dict(enumerate(best, start=1)),
    )


def _attributes(record: TrialRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "configuration": record.configuration,
        "stop_reason": record.stop_reason,
        "error": record.error,
    }


def _unwritable(error: Exception) -> MachineError:
    return MachineError(f"Optuna's file cannot be written: {' '.join(str(error).split()):.200}")
