"""Compare searches with 1, 8 and 32 slots, on simulated learning curves.

Trials run with Optuna and the rungs of a search, but without Ray. Each epoch takes about the same
time, so the trials in the slots are at different epochs when a proposal is made.
"""

import heapq
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from bloodnets.config import TrialConfig
from reports.ledger.search_record import SearchRecord
from study.configs.search_space import (
    contains,
    make_baseline_configs,
    make_optuna_params,
    suggest_config,
)
from study.tuning.asha import Rungs
from study.tuning.optuna_study import RunningTrialsStorage, make_sampler
from tests.slow import surrogate
from tests.slow.test_search import SEARCH

N_SEARCHES = 150

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class ParallelSearch:
    """A search that trains simulated trials in slots.

    Args:
        search: Settings of the search.
        n_slots: Number of trials at the same time.
    """

    def __init__(self, search: SearchRecord, n_slots: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self._n_slots, self._rungs = search, n_slots, Rungs(search)
        self._study = optuna.create_study(storage=RunningTrialsStorage(), direction="maximize")
        self._baselines = [c for c in make_baseline_configs(search).values() if contains(c, search)]
        for config in self._baselines:
            self._study.enqueue_trial(make_optuna_params(config, search))
        self._durations = np.random.default_rng(search.seed)
        self._best_observed, self._true_value = -1.0, 0.0
        # End of the next epoch, trial, configuration, and values after each epoch.
        self._queue: list[tuple[float, int, TrialConfig, list[float]]] = []
        self._trials: dict[int, optuna.Trial] = {}

    def run(self) -> float:
        """Return the macro F1 on val of the best trial, after full training and without noise."""
        now_s = 0.0
        while True:
            while len(self._queue) < self._n_slots and len(self._trials) < self._search.n_trials:
                self._start_trial(now_s)
            if not self._queue:
                return self._true_value
            now_s, number, config, values = heapq.heappop(self._queue)
            self._end_epoch(now_s, number, config, values)

    def _start_trial(self, now_s: float) -> None:
        number = len(self._trials)
        seed = np.random.SeedSequence([self._search.seed, number]).generate_state(1)[0]
        self._study.sampler = make_sampler(self._search.sampler, int(seed))
        trial = self._study.ask()
        config = suggest_config(trial, self._search)
        curve = surrogate.simulate_curve(config.to_dict(), int(config.compute_digest(), 16))
        self._trials[number] = trial
        self._schedule_epoch(now_s, number, config, np.maximum.accumulate(curve).tolist())

    def _schedule_epoch(
        self, now_s: float, number: int, config: TrialConfig, values: list[float]
    ) -> None:
        end_s = now_s + self._durations.uniform(1, 1.1)
        heapq.heappush(self._queue, (end_s, number, config, values))

    def _end_epoch(
        self, now_s: float, number: int, config: TrialConfig, values: list[float]
    ) -> None:
        trial = self._trials[number]
        epoch = 1 + len(self._study.get_trials(deepcopy=False)[number].intermediate_values)
        value = values[epoch - 1]
        trial.report(value, epoch)
        if value > self._best_observed:
            self._best_observed = value
            self._true_value = surrogate.compute_true_value(config.to_dict())
        is_promoted = self._rungs.report(str(number), epoch, value)
        if not is_promoted and config not in self._baselines:
            self._study.tell(trial, state=TrialState.PRUNED)
        elif epoch == len(values):
            self._study.tell(trial, value)
        else:
            self._schedule_epoch(now_s, number, config, values)


@pytest.fixture(scope="module")
def values_by_slots() -> dict[int, np.ndarray]:
    """Return the value of each search, by the number of slots."""
    return {
        n_slots: np.array(
            [ParallelSearch(replace(SEARCH, seed=s), n_slots).run() for s in range(N_SEARCHES)]
        )
        for n_slots in (1, 8, 32)
    }


@pytest.mark.parametrize(("n_slots", "tolerance"), [(8, 0.0005), (32, 0.001)])
def test_search_with_many_slots_is_nearly_as_good_as_with_one(
    values_by_slots: dict[int, np.ndarray], n_slots: int, tolerance: float
) -> None:
    for n, values in values_by_slots.items():
        standard_error = values.std(ddof=1) / N_SEARCHES**0.5
        print(f"{n} slots: {values.mean():.5f} ± {standard_error:.5f}")
    loss = values_by_slots[1].mean() - values_by_slots[n_slots].mean()
    assert loss < tolerance
