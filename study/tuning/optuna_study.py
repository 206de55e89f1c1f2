"""Drive Optuna's ask-and-tell interface for a search.

The ledger is the source of truth, so Optuna's study is rebuilt from it whenever a search starts or
resumes. It is kept in memory. Optuna's file is only a copy for `optuna-dashboard`, and can be lost
without harm.
"""

import warnings
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FixedTrial, FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from bloodnets.config import TrialConfig
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import TrialState
from study.configs.presets import CONFIGURATIONS
from study.configs.search_space import make_optuna_params, suggest_config
from study.tuning.optuna_file import OptunaFile

_OPTUNA_STATES = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class RunningTrialsStorage(InMemoryStorage):
    """Storage that lists a running trial with an epoch as pruned, so that samplers learn from it.

    Optuna's samplers use the values of a trial when it has ended. With as many slots as startup
    trials or more, most proposals would therefore be random. On simulated curves of 50 trials in 32
    slots, the best trial was no better than that of a random search (150 searches each).

    A single trial is returned as it is. Optuna's attributes of a running trial are not listed,
    because they are lost if the search is interrupted.
    """

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[OptunaState] | None = None,
    ) -> list[FrozenTrial]:
        """Return the trials of a study; see `InMemoryStorage.get_all_trials`."""
        if states == (OptunaState.WAITING,):  # which Optuna keeps separately
            return super().get_all_trials(study_id, deepcopy, states)
        trials = [_make_listed_trial(trial) for trial in super().get_all_trials(study_id, deepcopy)]
        return [trial for trial in trials if states is None or trial.state in states]


class OptunaStudy:
    """Optuna study of a search, with a copy in a file.

    Every method raises `ResourceError` if that file cannot be written.

    Attributes:
        running_trials: Trials that were proposed and have not ended, by id in the ledger.
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
        self.running_trials: dict[str, optuna.Trial] = {}
        self._last_epochs: dict[str, int] = {}
        self._file = OptunaFile(path, name)
        storage = RunningTrialsStorage() if search.sampler == "tpe" else None
        self._study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
        self._n_in_file = 0

    def enqueue(self, config: TrialConfig) -> None:
        """Enqueue a configuration to be proposed after those enqueued before."""
        params = make_optuna_params(config, self._search)
        self._study.enqueue_trial(params)
        trial = FixedTrial(params)
        suggest_config(trial, self._search)
        self._add_to_file(OptunaState.WAITING, trial)

    def propose(self) -> tuple[optuna.Trial, TrialConfig]:
        """Return Optuna's next trial and its configuration; pass the trial to `start` next."""
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
        user_attrs = {"id": trial_id, "configuration": configuration}
        if configuration not in CONFIGURATIONS:
            _ = trial.relative_params  # runs the sampler, unless it has proposed the trial
        self.running_trials[trial_id] = trial
        if trial.number < self._n_in_file:
            self._file.start(trial.number, user_attrs)
        else:
            self._add_to_file(OptunaState.RUNNING, trial, user_attrs=user_attrs)

    def report(self, trial_id: str, epoch: int, best_value: float) -> None:
        """Report the best val macro F1 so far, unless an earlier attempt reported the epoch.

        Args:
            trial_id: Id of the trial.
            epoch: Number of the epoch, starting at 1.
            best_value: Best val macro F1 so far, 0 to 1.
        """
        if epoch > self._last_epochs.get(trial_id, 0):
            self._last_epochs[trial_id] = epoch
            trial = self.running_trials[trial_id]
            trial.report(best_value, epoch)
            self._file.report(trial.number, epoch, best_value)

    def tell(self, record: TrialRecord, best_value: float) -> None:
        """Tell Optuna the final state of a trial.

        Args:
            record: Record of the trial.
            best_value: Best val macro F1 of the trial, 0 to 1; used if the trial is complete.
        """
        trial, state = self.running_trials.pop(record.id), _OPTUNA_STATES[record.state]
        value = best_value if state is OptunaState.COMPLETE else None
        told = self._study.tell(trial, value, state)  # a pruned trial gets its last value
        user_attrs = {"stop_reason": record.stop_reason.value, "error": record.error}
        self._file.tell(trial.number, told.state, told.value, user_attrs)

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
        ended_trial = create_trial(
            state=state,
            value=value,
            params=fixed_trial.params,
            distributions=fixed_trial.distributions,
            user_attrs={
                "id": record.id,
                "configuration": record.configuration,
                "stop_reason": record.stop_reason.value,
                "error": record.error,
            },
            intermediate_values=dict(enumerate(best_values, start=1)),
        )
        self._file.add(ended_trial)
        self._n_in_file += 1
        if self._search.sampler == "cmaes" and record.configuration not in CONFIGURATIONS:
            self._replay(ended_trial)
        else:
            self._study.add_trial(ended_trial)

    def close(self) -> None:
        """Wait until the file is written."""
        self._file.close()

    def _add_to_file(
        self,
        state: OptunaState,
        trial: FixedTrial | optuna.Trial,
        *,
        user_attrs: Mapping[str, str] | None = None,
    ) -> None:
        self._file.add(
            create_trial(
                state=state,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=dict(user_attrs or {}),
            )
        )
        self._n_in_file += 1

    def _replay(self, ended_trial: FrozenTrial) -> None:
        """Add a trial as running, let the sampler propose it again, and tell its final state."""
        self._study.add_trial(
            create_trial(
                state=OptunaState.RUNNING,
                params=ended_trial.params,
                distributions=ended_trial.distributions,
                intermediate_values=ended_trial.intermediate_values,
            )
        )
        trial = self._study.get_trials(deepcopy=False)[-1]
        sampler = self._make_sampler(trial.number)
        space = sampler.infer_relative_search_space(self._study, trial)
        sampler.sample_relative(self._study, trial, space)
        is_complete = ended_trial.state is OptunaState.COMPLETE
        self._study.tell(
            trial.number, ended_trial.value if is_complete else None, ended_trial.state
        )

    def _make_sampler(self, number: int) -> BaseSampler:
        """Return the sampler of one trial.

        A new sampler per proposal makes the proposal depend only on the history, not on whether
        the search was interrupted.
        """
        seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
        return make_sampler(self._search.sampler, int(seed))


def _make_listed_trial(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not OptunaState.RUNNING:
        return trial
    listed = create_trial(
        state=OptunaState.PRUNED if trial.intermediate_values else OptunaState.RUNNING,
        params=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
    )
    listed.number = trial.number
    return listed


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
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
        if name == "gp":
            return GPSampler(seed=seed, warn_independent_sampling=False)
        if name == "cmaes":
            return CmaEsSampler(
                seed=seed, consider_pruned_trials=True, warn_independent_sampling=False
            )
        return RandomSampler(seed=seed)
