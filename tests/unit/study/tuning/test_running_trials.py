"""A sampler that learns from the epochs of running trials."""

from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from study.tuning.running_trials import RunningTrialsSampler

N_STARTUP = 10


def make_tpe(seed: int) -> TPESampler:
    return TPESampler(seed=seed, n_startup_trials=N_STARTUP)


@pytest.fixture
def make_study() -> Callable[..., optuna.Study]:
    """Return a function that makes a study of random trials in a given state."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def make(state: TrialState, *, n_epochs: int) -> optuna.Study:
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
        )
        for _ in range(2 * N_STARTUP):
            trial = study.ask()
            x = trial.suggest_float("x", 0, 1)
            for epoch in range(1, n_epochs + 1):
                trial.report(x * epoch / 10, epoch)
            if state is not TrialState.RUNNING:
                study.tell(trial, state=state)
        return study

    return make


def propose(study: optuna.Study, sampler: optuna.samplers.BaseSampler) -> float:
    study.sampler = sampler
    return study.ask().suggest_float("x", 0, 1)


def test_running_trials_with_epochs_count_as_pruned(
    make_study: Callable[..., optuna.Study],
) -> None:
    running, pruned = (
        make_study(state, n_epochs=3) for state in (TrialState.RUNNING, TrialState.PRUNED)
    )
    proposal = propose(running, RunningTrialsSampler(make_tpe(1)))
    assert proposal == propose(pruned, make_tpe(1))
    running = make_study(TrialState.RUNNING, n_epochs=3)
    assert proposal != propose(running, make_tpe(1))  # too few trials have ended


def test_running_trials_without_an_epoch_do_not_replace_startup_trials(
    make_study: Callable[..., optuna.Study],
) -> None:
    proposals = [
        propose(make_study(TrialState.RUNNING, n_epochs=0), sampler)
        for sampler in (RunningTrialsSampler(make_tpe(1)), make_tpe(1))
    ]
    assert proposals[0] == proposals[1]


def test_trials_that_ended_give_the_same_proposal_as_without_the_view(
    make_study: Callable[..., optuna.Study],
) -> None:
    proposals = [
        propose(make_study(TrialState.PRUNED, n_epochs=2), sampler)
        for sampler in (RunningTrialsSampler(make_tpe(4)), make_tpe(4))
    ]
    assert proposals[0] == proposals[1]


def test_sampler_does_not_change_the_study(make_study: Callable[..., optuna.Study]) -> None:
    study = make_study(TrialState.RUNNING, n_epochs=2)
    propose(study, RunningTrialsSampler(make_tpe(1)))
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    assert states == [TrialState.RUNNING] * (2 * N_STARTUP + 1)
