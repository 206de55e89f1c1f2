"""The search's memory: Optuna proposes, the ledger keeps, Optuna is told how each trial ended.

Everything that Optuna knows it is told from the ledger, or could be: `OptunaProposer` begins by
telling it what the ledger holds, so a search that goes on after an interruption knows what it knew.
Its file is a copy for `optuna-dashboard`; to lose it is to lose nothing.
"""

import sqlite3
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FixedTrial, FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from bloodnets.config import TrialConfig
from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import TrialState
from study.configs.search_space import (
    contains,
    make_baseline_configs,
    make_optuna_params,
    suggest_config,
)
from study.tuning.asha import Rungs

OPTUNA_FILE = "optuna.db"
"""In a study's folder. SQLite, because a process killed in the middle of a write leaves a file that
can still be read; Optuna's journal file is not readable then."""

SQLITE_TIMEOUT_S = 60.0
"""How long a write waits while a dashboard reads."""

_OPTUNA_STATES = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class OptunaProposer:
    """Makes proposals from all that the ledger holds, and follows the trials that run.

    Attributes:
        ledger: of the search.
        rungs: of ASHA, with all that earlier trials had reached.
    """

    def __init__(self, ledger: Ledger, search: SearchRecord) -> None:
        """Tell Optuna what the ledger holds: nothing, or the trials of a search that goes on.

        Raises:
            ResourceError: Optuna's file cannot be written.
            ConflictError: the ledger cannot be read.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.ledger, self._search = ledger, search
        self._baselines = make_baseline_configs(search)
        self._proposals = ledger.read_proposals()
        self._running_trials: dict[str, optuna.Trial] = {}
        self._best_values: dict[str, float] = {}
        self.rungs = Rungs(search.rungs, reduction_factor=search.reduction_factor)
        self._optuna_study = _create_optuna_study(ledger.folder / OPTUNA_FILE, ledger.study.name)
        self._add_past_trials()

    def propose(self) -> PlannedTrial:
        """The next trial: one that was proposed and did not end, one with a name, or a new one.

        Raises:
            ResourceError: the proposal cannot be written.
        """
        trial_number = len(self._optuna_study.get_trials(deepcopy=False))
        try:
            # A sampler of its own for each proposal: with the same history, the same proposal,
            # whether or not the search was interrupted before it.
            seed = np.random.SeedSequence([self._search.seed, trial_number]).generate_state(1)[0]
            self._optuna_study.sampler = make_sampler(self._search.sampler, int(seed))
            trial = self._optuna_study.ask()
            config = suggest_config(trial, self._search)
            if trial.number < len(self._proposals):
                planned = self._proposals[trial.number]
            else:
                planned = self._make_planned_trial(trial.number, config)
                self.ledger.add_proposal(planned)
                self._proposals.append(planned)
            trial.set_user_attr("id", planned.id)
            trial.set_user_attr("configuration", planned.configuration)
        except StorageInternalError as error:
            raise _make_storage_error(error) from error
        self._running_trials[planned.id] = trial
        return planned

    @property
    def n_running(self) -> int:
        """How many trials were proposed and have not ended."""
        return len(self._running_trials)

    def on_trial_start(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""
        self._best_values[trial_id] = 0.0

    def on_epoch(self, trial_id: str, epoch: EpochRecord, *, restored: bool = False) -> None:
        """A trial finished an epoch, or goes on from a state that has it behind it.

        Raises:
            ResourceError: Optuna's file cannot be written.
        """
        best_value = max(self._best_values[trial_id], epoch.val_macro_f1)
        self._best_values[trial_id] = best_value
        try:
            self._running_trials[trial_id].report(best_value, epoch.epoch)
        except StorageInternalError as error:
            raise _make_storage_error(error) from error

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again; Optuna sees one trial."""

    def on_trial_end(self, record: TrialRecord) -> None:
        """A trial is in the ledger.

        Raises:
            ResourceError: Optuna's file cannot be written.
        """
        trial = self._running_trials.pop(record.id)
        best_value = self._best_values.pop(record.id, 0.0)
        try:
            for name, value in _collect_user_attrs(record).items():
                trial.set_user_attr(name, value)
            state = _OPTUNA_STATES[record.state]
            self._optuna_study.tell(
                trial, best_value if state is OptunaState.COMPLETE else None, state
            )
        except StorageInternalError as error:
            raise _make_storage_error(error) from error

    def _add_past_trials(self) -> None:
        for planned in self._proposals:
            record = self.ledger.read_trial(planned)
            params = make_optuna_params(TrialConfig.from_dict(planned.config), self._search)
            if record is None:
                self._optuna_study.enqueue_trial(params)
                continue
            values = [epoch.val_macro_f1 for epoch in self.ledger.read_epochs(planned.id)]
            self.rungs.add_ended_trial(planned.id, values)
            self._optuna_study.add_trial(_make_frozen_trial(record, params, values, self._search))
        baseline_names = list(self._baselines)
        for name in baseline_names[len(self._proposals) :]:
            config = self._baselines[name]
            if contains(config, self._search):
                self._optuna_study.enqueue_trial(make_optuna_params(config, self._search))

    def _make_planned_trial(self, number: int, config: TrialConfig) -> PlannedTrial:
        names = [
            name for name, baseline_config in self._baselines.items() if baseline_config == config
        ]
        return PlannedTrial(
            id=f"trial-{number}-{config.compute_digest()}",
            configuration=names[0] if names else f"trial-{number}",
            config=config.to_dict(),
        )


def make_sampler(name: str, seed: int) -> BaseSampler:
    """One of `search_space.SAMPLERS`, made by Optuna."""
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


def _create_optuna_study(path: Path, name: str) -> optuna.Study:
    """An empty Optuna study in a file of its own; what was there was made from the ledger."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=SQLITE_TIMEOUT_S, check_same_thread=False)

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
        raise _make_storage_error(error) from error


def _make_frozen_trial(
    record: TrialRecord, params: dict[str, Any], values: list[float], search: SearchRecord
) -> FrozenTrial:
    """A trial that ended, as it stood in Optuna's file when it had."""
    fixed_trial = FixedTrial(params)
    suggest_config(fixed_trial, search)
    running_best = [float(value) for value in np.maximum.accumulate(values)]
    return create_trial(
        state=_OPTUNA_STATES[record.state],
        value=running_best[-1] if running_best and record.state is not TrialState.FAILED else None,
        params=fixed_trial.params,
        distributions=fixed_trial.distributions,
        user_attrs=_collect_user_attrs(record),
        intermediate_values=dict(enumerate(running_best, start=1)),
    )


def _collect_user_attrs(record: TrialRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "configuration": record.configuration,
        "stop_reason": record.stop_reason,
        "error": record.error,
    }


def _make_storage_error(error: Exception) -> ResourceError:
    return ResourceError(f"Optuna's file cannot be written: {' '.join(str(error).split()):.200}")
