"""Test that the search finds the best settings, on simulated learning curves with real Ray."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import ray
from optuna.samplers import RandomSampler

from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.search_record import SearchRecord
from study.configs.search_space import (
    DROPOUT_RANGE,
    LEARNING_RATE_RANGE,
    MOMENTUM_RANGE,
    OPTIMIZERS,
    suggest_config,
)
from study.configs.study_config import SearchConfig
from study.lifecycle.study_record import make_study_record
from study.runtime.session import RAY_LOG, open_ray_session, redirect_output
from study.runtime.watchdog import Heartbeat
from study.tuning import tuner
from study.tuning.asha import make_tripling_rungs
from study.tuning.search_run import SearchRun
from tests.slow import surrogate

SEEDS = 40
SEARCH = SearchRecord(  # the defaults of the command
    n_trials=50,
    families=("cnn",),
    optimizers=OPTIMIZERS,
    learning_rate=LEARNING_RATE_RANGE,
    dropout=DROPOUT_RANGE,
    momentum=MOMENTUM_RANGE,
    sampler="tpe",
    seed=0,
    max_epochs=surrogate.MAX_EPOCHS,
    rungs=make_tripling_rungs(1, surrogate.MAX_EPOCHS),
    reduction_factor=2,
    batch_size=64,
    retrain_top=0,
    retrain_seeds=1,
    time_budget_s=None,
    target_macro_f1=None,
    precision="float32",
    resnet=None,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Watch:
    """Listener that tracks the true value of the best trial so far, and the epochs spent."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.epochs = 0
        self.values: dict[str, float] = {}
        self.best: tuple[float, float] = (-1.0, 0.0)  # observed and true value
        self.history: list[tuple[int, float]] = []

    def on_proposal(self, planned: PlannedTrial) -> None:
        self.values[planned.id] = 0.0

    def on_trial_start(self, trial_id: str) -> None:
        """Do nothing."""

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        self.epochs += 1
        self.values[trial_id] = best_val_macro_f1

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        raise AssertionError(reason)

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        raise AssertionError(reason)

    def on_trial_end(self, record: TrialRecord) -> None:
        seen = self.values[record.id]
        if seen > self.best[0]:
            self.best = (seen, surrogate.compute_true_value(record.config))
        self.history.append((self.epochs, self.best[1]))
        if len(self.history) == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> BloodCells:
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.01))
    return load_file(path)


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    ray.cloudpickle.register_pickle_by_value(surrogate)  # the workers cannot import the tests
    with open_ray_session(config(tmp_path_factory.mktemp("ray"), SEARCH)):
        yield


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner, "run_trial", surrogate.run_trial)


def config(folder: Path, search: SearchRecord, at_once: int | None = None) -> SearchConfig:
    return SearchConfig(
        name=f"seed-{search.seed}",
        storage_root=folder,
        search=search,
        cpus_per_trial=1,
        gpus_per_trial=0,
        max_concurrent=at_once,
        address=None,
    )


def run(
    folder: Path,
    cells: BloodCells,
    search: SearchRecord,
    *,
    at_once: int | None = None,
    watch: Watch | None = None,
) -> tuple[Ledger, Watch]:
    """Run a new search, or resume it if it exists."""
    settings, watch = config(folder, search, at_once), watch or Watch()
    if (folder / settings.name).exists():
        ledger = Ledger(settings.location)
    else:
        ledger = create_study(settings.location, make_study_record(settings, cells, ()))
    # Tune prints much, but none of these figures.
    with redirect_output(ledger.folder / RAY_LOG):
        tuner.run_proposals(
            settings, cells, SearchRun(ledger, search), listener=watch, heartbeat=Heartbeat()
        )
    return ledger, watch


def random_search(seed: int) -> tuple[float, int]:
    """Return the true value of the best of 50 fully trained random trials, and their epochs."""
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=seed))
    best = (-1.0, 0.0)
    for _ in range(SEARCH.n_trials):
        proposed = suggest_config(study.ask(), SEARCH)
        values = surrogate.simulate_curve(proposed.to_dict(), int(proposed.compute_digest(), 16))
        best = max(best, (float(values.max()), surrogate.compute_true_value(proposed.to_dict())))
    return best[1], SEARCH.n_trials * SEARCH.max_epochs


def test_search_reaches_random_search_with_half_the_epochs(
    tmp_path: Path, cells: BloodCells
) -> None:
    rows = []
    for seed in range(SEEDS):
        goal, cost = random_search(1000 + seed)
        ledger, watch = run(tmp_path, cells, replace(SEARCH, seed=seed))
        reached = [epochs for epochs, true in watch.history if true >= goal]
        most = max(surrogate.compute_true_value(trial.config) for trial in ledger.read_proposals())
        ratio = min(reached, default=math.inf) / cost
        rows.append((ratio, watch.epochs, most - watch.best[1], watch.best[1] - goal))
        print(
            f"seed {seed:2}: reached random search's result with {ratio:.3f} of its epochs; "
            f"{watch.epochs} in all; {100 * rows[-1][2]:.2f} points below the best proposal, "
            f"{100 * rows[-1][3]:+.2f} from random search"
        )
        shutil.rmtree(ledger.folder)
    ratios, epochs, below, gain = np.array(rows).T
    within = (below <= 0.005).mean()
    print(
        f"median ratio {np.median(ratios):.3f}, reached in {np.isfinite(ratios).mean():.0%}; "
        f"within 0.5 points of the best proposal in {within:.0%}; epochs {epochs.mean():.0f} on "
        f"average, {epochs.max():.0f} at most, of 1,000; {100 * np.median(gain):+.2f} points"
    )
    assert np.median(ratios) <= 0.5
    assert within >= 0.8
    assert epochs.mean() <= SEARCH.n_trials * SEARCH.max_epochs / 3


SHORT = replace(SEARCH, n_trials=15, max_epochs=9, rungs=make_tripling_rungs(1, 9))


def outcome(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Return every proposal with its stop reason and its epochs."""
    rows = []
    for planned in ledger.read_proposals():
        record = ledger.read_trial(planned)
        assert record is not None
        rows.append((planned.id, record.stop_reason, ledger.read_epochs(planned.id)))
    return rows


def test_search_one_at_a_time_is_determined_by_its_seed(tmp_path: Path, cells: BloodCells) -> None:
    first, second, third = (
        outcome(run(tmp_path / name, cells, replace(SHORT, seed=seed), at_once=1)[0])
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == second
    assert {row[0] for row in first[2:]}.isdisjoint(row[0] for row in third)


@pytest.mark.parametrize("stop_after", [1, 6, 14])
def test_search_interrupted_and_resumed_equals_an_undisturbed_one(
    tmp_path: Path, cells: BloodCells, stop_after: int
) -> None:
    whole, _ = run(tmp_path / "whole", cells, SHORT, at_once=1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "part", cells, SHORT, at_once=1, watch=Watch(stop_after))
    part = Ledger(tmp_path / "part" / "seed-0")
    assert len(list(part.read_trials())) == stop_after
    run(tmp_path / "part", cells, SHORT, at_once=1)
    assert outcome(part) == outcome(whole)
