"""Optuna's part of a search: it proposes configurations, and is told how their trials go.

Everything that Optuna knows is in the ledger, so its study is made anew whenever a search starts or
resumes. Its file is a copy for `optuna-dashboard`: losing it loses nothing.
"""

import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FixedTrial, create_trial
from optuna.trial import TrialState as OptunaState

from bloodnets.config import TrialConfig
from bloodnets.errors import ResourceError
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import TrialState
from study.configs.search_space import make_optuna_params, suggest_config

SQLITE_TIMEOUT_S = 60.0
"""Seconds that a write waits while a dashboard reads."""

_OPTUNA_STATES = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class OptunaStudy:
    """An Optuna study of a search, in a file of its own.

    Every method raises `ResourceError` if that file cannot be written.
    """

    def __init__(self, path: Path, name: str, search: SearchRecord) -> None:
        """Create an empty study; a file of an earlier run is replaced.

        Args:
            path: Path of the file.
            name: Name of the study.
            search: Search space and settings.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search = search
        self._running_trials: dict[str, optuna.Trial] = {}
        self._last_epochs: dict[str, int] = {}
        with _convert_storage_errors():
            self._study = _create_study(path, name)

    @property
    def n_running(self) -> int:
        """Number of trials that were proposed and have not ended."""
        return len(self._running_trials)

    def enqueue(self, config: TrialConfig) -> None:
        """Let a configuration be the next that is proposed, after those enqueued before."""
        with _convert_storage_errors():
            self._study.enqueue_trial(make_optuna_params(config, self._search))

    def propose(self) -> tuple[optuna.Trial, TrialConfig]:
        """Return the next trial of Optuna's, with its configuration; see `start`."""
        with _convert_storage_errors():
            number = len(self._study.get_trials(deepcopy=False))
            # A sampler of its own for each proposal: with the same history, the same proposal,
            # whether or not the search was interrupted before it.
            seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
            self._study.sampler = make_sampler(self._search.sampler, int(seed))
            trial = self._study.ask()
            return trial, suggest_config(trial, self._search)

    def start(self, trial: optuna.Trial, trial_id: str, configuration: str) -> None:
        """Give a proposed trial its id, by which it is known from now on."""
        with _convert_storage_errors():
            trial.set_user_attr("id", trial_id)
            trial.set_user_attr("configuration", configuration)
        self._running_trials[trial_id] = trial

    def report(self, trial_id: str, epoch: int, best_value: float) -> None:
        """Record the best val macro F1 so far after an epoch, unless an attempt before did."""
        if epoch > self._last_epochs.get(trial_id, 0):
            self._last_epochs[trial_id] = epoch
            with _convert_storage_errors():
                self._running_trials[trial_id].report(best_value, epoch)

    def tell(self, record: TrialRecord, best_value: float) -> None:
        """Record how a trial ended, and its best val macro F1."""
        trial, state = self._running_trials.pop(record.id), _OPTUNA_STATES[record.state]
        with _convert_storage_errors():
            for name, value in _collect_user_attrs(record).items():
                trial.set_user_attr(name, value)
            self._study.tell(trial, best_value if state is OptunaState.COMPLETE else None, state)

    def add_ended_trial(
        self, record: TrialRecord, config: TrialConfig, best_values: Sequence[float]
    ) -> None:
        """Add a trial of an earlier run, as it stood in Optuna's study when it had ended.

        Args:
            record: How it ended.
            config: Its configuration.
            best_values: Best val macro F1 so far after each epoch, from the first.
        """
        fixed_trial = FixedTrial(make_optuna_params(config, self._search))
        suggest_config(fixed_trial, self._search)
        has_value = best_values and record.state is not TrialState.FAILED
        with _convert_storage_errors():
            self._study.add_trial(
                create_trial(
                    state=_OPTUNA_STATES[record.state],
                    value=best_values[-1] if has_value else None,
                    params=fixed_trial.params,
                    distributions=fixed_trial.distributions,
                    user_attrs=_collect_user_attrs(record),
                    intermediate_values=dict(enumerate(best_values, start=1)),
                )
            )


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Return the Optuna sampler that `search_space.Sampler` names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if name == "tpe":
            # Together, because the best learning rate depends on the optimizer; in groups, because
            # only SGD has a momentum; and with running trials counted as bad ones, so that those
            # at the same time are not alike.
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
        if name == "gp":
            return GPSampler(seed=seed, warn_independent_sampling=False)
        if name == "cmaes":
            return CmaEsSampler(
                seed=seed, consider_pruned_trials=True, warn_independent_sampling=False
            )
        return RandomSampler(seed=seed)


def _create_study(path: Path, name: str) -> optuna.Study:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=SQLITE_TIMEOUT_S, check_same_thread=False)

    path.unlink(missing_ok=True)
    path.touch()  # fails clearly if it cannot be written; an empty file is an empty database
    storage = optuna.storages.RDBStorage(
        # A URL would have to quote the path, and versions of SQLAlchemy differ in how.
        "sqlite:///optuna.db",
        engine_kwargs={"creator": connect},
    )
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(["val_macro_f1"])  # labels the axes of a dashboard
    return study


def _collect_user_attrs(record: TrialRecord) -> dict[str, str | None]:
    return {
        "id": record.id,
        "configuration": record.configuration,
        "stop_reason": record.stop_reason,
        "error": record.error,
    }


@contextmanager
def _convert_storage_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, StorageInternalError) as error:
        text = " ".join(str(error).split())
        raise ResourceError(f"Optuna's file cannot be written: {text:.200}") from error
