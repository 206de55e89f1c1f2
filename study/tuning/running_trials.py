"""Let a sampler of Optuna learn from the epochs of running trials.

Optuna's samplers use the values of a trial when it has ended. With as many slots as startup trials
or more, most proposals would therefore be random. On simulated curves of 50 trials in 32 slots, the
best trial was no better than that of a random search (150 searches each).
"""

from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial


@dataclass(eq=False, slots=True)
class RunningTrialsSampler(BaseSampler):
    """Sampler of one proposal, for which a running trial with an epoch counts as pruned.

    Attributes:
        sampler: Sampler that makes the proposal.
    """

    sampler: BaseSampler
    _view: optuna.Study | None = field(default=None, init=False)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters that `sample_relative` proposes."""
        return self.sampler.infer_relative_search_space(*self._get_view(study, trial))

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Return values of the parameters in `search_space`."""
        return self.sampler.sample_relative(*self._get_view(study, trial), search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the value of a parameter that `sample_relative` did not propose."""
        return self.sampler.sample_independent(
            *self._get_view(study, trial), param_name, param_distribution
        )

    def _get_view(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> tuple[optuna.Study, FrozenTrial]:
        """Return a copy of the study and of the trial, made for the first parameter."""
        if self._view is None:
            self._view = optuna.create_study(direction=study.direction)
            self._view.add_trials(
                [_count_as_pruned(earlier) for earlier in study.get_trials(deepcopy=False)]
            )
        return self._view, self._view.get_trials(deepcopy=False)[trial.number]


def _count_as_pruned(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.RUNNING or not trial.intermediate_values:
        return trial
    return create_trial(
        state=TrialState.PRUNED,
        params=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
    )
