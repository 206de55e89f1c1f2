"""Drive Optuna's ask-and-tell interface for a search.

The ledger is the source of truth, so Optuna's study is rebuilt from it whenever a search starts or
resumes. Optuna's file is only a copy for `optuna-dashboard`, and can be lost without harm.
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
from study.configs.presets import CONFIGURATIONS
from study.configs.search_space import make_optuna_params, suggest_config
from study.tuning.running_trials import RunningTrialsSampler

SQLITE_TIMEOUT_S = 60.0
"""Seconds that a write waits for a dashboard that reads."""

_OPTUNA_STATES = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class OptunaStudy:
    """Optuna study of a search, in a file of its own.

    Every method raises `ResourceError` if that file cannot be written.
    """

    def __init__(self, path: Path, name: str, search: SearchRecord) -> None:
        """Create an empty study; a file of an earlier run is replaced.

        Args:
            path: Path of the SQLite file.
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
        """Enqueue a configuration to be proposed after those enqueued before."""
        with _convert_storage_errors():
            self._study.enqueue_trial(make_optuna_params(config, self._search))

    def propose(self) -> tuple[optuna.Trial, TrialConfig]:
        """Return Optuna's next trial and its configuration; pass the trial to `start` next."""
        with _convert_storage_errors():
            self._study.sampler = self._make_sampler(len(self._study.get_trials(deepcopy=False)))
            trial = self._study.ask()
            return trial, suggest_config(trial, self._search)

    def start(self, trial: optuna.Trial, trial_id: str, configuration: str) -> None:
        """Set the id and the configuration name of a proposed trial, which other methods refer to.

        Optuna did not need its sampler for a trial that an earlier run left unfinished, because the
        trial was enqueued. The sampler runs here, because CMA-ES marks the trials that it proposed.

        Args:
            trial: Trial from `propose`.
            trial_id: Id of the trial in the ledger.
            configuration: Name of its configuration.
        """
        with _convert_storage_errors():
            trial.set_user_attr("id", trial_id)
            trial.set_user_attr("configuration", configuration)
            if configuration not in CONFIGURATIONS:
                _ = trial.relative_params  # runs the sampler, unless it has proposed the trial
        self._running_trials[trial_id] = trial

    def report(self, trial_id: str, epoch: int, best_value: float) -> None:
        """Report the best val macro F1 so far, unless an earlier attempt reported the epoch.

        Args:
            trial_id: Id of the trial.
            epoch: Number of the epoch, starting at 1.
            best_value: Best val macro F1 so far, 0 to 1.
        """
        if epoch > self._last_epochs.get(trial_id, 0):
            self._last_epochs[trial_id] = epoch
            with _convert_storage_errors():
                self._running_trials[trial_id].report(best_value, epoch)

    def tell(self, record: TrialRecord, best_value: float) -> None:
        """Tell Optuna the final state of a trial.

        Args:
            record: Record of the trial.
            best_value: Best val macro F1 of the trial, 0 to 1; used if the trial is complete.
        """
        trial, state = self._running_trials.pop(record.id), _OPTUNA_STATES[record.state]
        with _convert_storage_errors():
            for name, value in _collect_user_attrs(record).items():
                trial.set_user_attr(name, value)
            self._study.tell(trial, best_value if state is OptunaState.COMPLETE else None, state)

    def add_ended_trial(
        self, record: TrialRecord, config: TrialConfig, best_values: Sequence[float]
    ) -> None:
        """Add a trial that ended in an earlier run.

        CMA-ES keeps its state in the trials that it proposed, from which its next proposal follows.
        So it is run again for each of them. The other samplers only read parameters and values.

        Args:
            record: Record of the trial.
            config: Configuration of the trial.
            best_values: Best val macro F1 so far, 0 to 1, after each epoch.
        """
        fixed_trial = FixedTrial(make_optuna_params(config, self._search))
        suggest_config(fixed_trial, self._search)
        has_value = best_values and record.state is not TrialState.FAILED
        value, state = best_values[-1] if has_value else None, _OPTUNA_STATES[record.state]
        is_replayed = self._search.sampler == "cmaes" and record.configuration not in CONFIGURATIONS
        with _convert_storage_errors():
            self._study.add_trial(
                create_trial(
                    state=OptunaState.RUNNING if is_replayed else state,
                    value=None if is_replayed else value,
                    params=fixed_trial.params,
                    distributions=fixed_trial.distributions,
                    user_attrs=_collect_user_attrs(record),
                    intermediate_values=dict(enumerate(best_values, start=1)),
                )
            )
            if is_replayed:
                trial = self._study.get_trials(deepcopy=False)[-1]
                sampler = self._make_sampler(trial.number)
                space = sampler.infer_relative_search_space(self._study, trial)
                sampler.sample_relative(self._study, trial, space)
                self._study.tell(
                    trial.number, value if state is OptunaState.COMPLETE else None, state
                )

    def _make_sampler(self, number: int) -> BaseSampler:
        """Return the sampler of one trial.

        A new sampler per proposal makes the proposal depend only on the history, not on whether
        the search was interrupted.
        """
        seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
        return make_sampler(self._search.sampler, int(seed))


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Return an Optuna sampler.

    Args:
        name: Value of `search_space.Sampler`.
        seed: Seed of the sampler.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if name == "tpe":
            # multivariate: the best learning rate depends on the optimizer. group: only SGD has
            # a momentum. constant_liar: trials without an epoch count as bad ones, so that parallel
            # trials differ.
            return RunningTrialsSampler(
                TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
            )
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
    path.touch()  # raises a clear error if not writable; SQLite accepts an empty file
    storage = optuna.storages.RDBStorage(
        # A URL would need the path to be quoted, which differs between versions of SQLAlchemy.
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
        raise ResourceError(f"cannot write Optuna's file: {text:.200}") from error
