"""Compare the search with random search plus ASHA at equal epochs, on simulated learning curves.

Trials run one after another, with Optuna and the rungs of a search but without Ray. Both searches
propose the published configurations first. Only the sampler differs, so the gain is that of TPE.
"""

from dataclasses import replace

import numpy as np
import pytest
from optuna import Trial, create_study, logging
from optuna.trial import TrialState
from scipy import stats

from bloodnets.config import TrialConfig
from reports.ledger.search_record import SearchRecord
from study.configs.search_space import (
    contains,
    make_baseline_configs,
    make_optuna_params,
    suggest_config,
)
from study.tuning.asha import Rungs
from study.tuning.optuna_study import make_sampler
from tests.slow import surrogate
from tests.slow.test_search import SEARCH

SEARCHES = 400
MAX_RANDOM_TRIALS = 300

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class SimulatedSearch:
    """A search that trains simulated trials one after another.

    Attributes:
        epochs: Epochs that all trials trained so far.
        true_value: Macro F1 on val of the best trial so far, after full training and without noise.
    """

    def __init__(self, search: SearchRecord) -> None:
        self.epochs, self.true_value = 0, 0.0
        self._best_observed = -1.0
        self._search, self._rungs = search, Rungs(search)
        logging.set_verbosity(logging.ERROR)
        self._study = create_study(direction="maximize")
        self._baselines = [c for c in make_baseline_configs(search).values() if contains(c, search)]
        for config in self._baselines:
            self._study.enqueue_trial(make_optuna_params(config, search))

    def run_trial(self) -> None:
        """Propose a trial, and train it until ASHA stops it."""
        number = len(self._study.get_trials(deepcopy=False))
        seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
        self._study.sampler = make_sampler(self._search.sampler, int(seed))
        trial = self._study.ask()
        config = suggest_config(trial, self._search)
        values = np.maximum.accumulate(
            surrogate.simulate_curve(config.to_dict(), int(config.compute_digest(), 16))
        )
        n_epochs = self._train(trial, config, values.tolist())
        self.epochs += n_epochs
        if values[n_epochs - 1] > self._best_observed:
            self._best_observed = values[n_epochs - 1]
            self.true_value = surrogate.compute_true_value(config.to_dict())

    def _train(self, trial: Trial, config: TrialConfig, values: list[float]) -> int:
        """Report the epochs of a trial to ASHA and Optuna; return how many it trained."""
        for epoch, value in enumerate(values, start=1):
            trial.report(value, epoch)
            is_promoted = self._rungs.report(str(trial.number), epoch, value)
            if not is_promoted and config not in self._baselines:
                self._study.tell(trial, state=TrialState.PRUNED)
                return epoch
        self._study.tell(trial, values[-1])
        return len(values)


def run_search(seed: int) -> SimulatedSearch:
    """Run a search with the defaults of the command."""
    search = SimulatedSearch(replace(SEARCH, seed=seed))
    for _ in range(SEARCH.n_trials):
        search.run_trial()
    return search


def run_random_search(seed: int, n_epochs: int) -> tuple[float, int]:
    """Run random trials with ASHA; return the result after at most `n_epochs`, and the trials."""
    search = SimulatedSearch(replace(SEARCH, seed=seed, sampler="random"))
    true_value, n_trials = 0.0, 0
    while search.epochs <= n_epochs and n_trials < MAX_RANDOM_TRIALS:
        true_value = search.true_value
        search.run_trial()
        n_trials += 1
    return true_value, n_trials - 1


def test_search_is_not_worse_than_random_search_with_asha_at_equal_epochs() -> None:
    rows = []
    for seed in range(SEARCHES):
        search = run_search(seed)
        value, n_trials = run_random_search(10_000 + seed, search.epochs)
        rows.append((100 * (search.true_value - value), search.epochs, n_trials))
    gains, epochs, trials = np.array(rows).T
    interval = stats.quantile_test(gains, p=0.5).confidence_interval(0.95)
    print(
        f"median gain {np.median(gains):+.3f} points [{interval.low:+.3f}, {interval.high:+.3f}] "
        f"of macro F1; quartiles {np.quantile(gains, [0.25, 0.75]).round(3)}, mean "
        f"{gains.mean():+.3f}; better in {(gains > 0).mean():.0%}; epochs {epochs.mean():.0f}; "
        f"{trials.mean():.0f} random trials instead of {SEARCH.n_trials}"
    )
    assert interval.high >= 0
