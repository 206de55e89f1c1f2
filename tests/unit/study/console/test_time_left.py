"""The time left of a study, with simulated clocks."""

from collections.abc import Sequence

import pytest

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.progress import ProgressState, TrialProgress
from reports.ledger.records import EpochRecord
from study.console.time_left import Pace, Stage, StageEstimate, estimate_time_left_s
from tests.helpers.grid_builder import make_config

MAX_EPOCHS, PATIENCE = 20, 5


def make_epoch(number: int, value: float, duration_s: float = 10.0) -> EpochRecord:
    return EpochRecord(
        epoch=number,
        train_loss=1,
        val_loss=1,
        val_accuracy=value,
        val_macro_f1=value,
        duration_s=duration_s,
    )


def make_trial(
    state: ProgressState,
    values: Sequence[float] = (),
    *,
    name: str = "cnn-config-1",
    epoch_s: float = 10.0,
    since_epoch_s: float = 0.0,
) -> TrialProgress:
    """Return a trial whose epochs have these values of val macro F1."""
    config = make_config(name, max_epochs=MAX_EPOCHS, patience=PATIENCE)
    return TrialProgress(
        planned=PlannedTrial(id=f"{name}-s0-1a2b3c4d", configuration=name, config=config),
        state=state,
        epochs=[make_epoch(i, value, epoch_s) for i, value in enumerate(values, start=1)],
        since_epoch_s=since_epoch_s,
    )


def rising(n_epochs: int) -> list[float]:
    return [i / 100 for i in range(n_epochs)]


def estimate(trials: Sequence[TrialProgress], n_slots: int = 1) -> float:
    left_s = estimate_time_left_s([Stage(trials=trials)], n_slots=n_slots)
    assert left_s is not None
    return left_s


WAITING, RUNNING, COMPLETE = ProgressState.WAITING, ProgressState.RUNNING, ProgressState.COMPLETE


def test_estimate_time_left_before_the_first_epoch_is_none() -> None:
    trials = [make_trial(RUNNING), make_trial(WAITING)]
    assert estimate_time_left_s([Stage(trials=trials)], n_slots=1) is None


def simulate_grid(n_trials: int, n_slots: int, epoch_s: float = 10.0) -> list[float]:
    """Return the estimates at each second of a grid whose trials run all their epochs."""
    trial_s, estimates = MAX_EPOCHS * epoch_s, []
    total_s = round(trial_s * n_trials / n_slots)
    for now in range(round(epoch_s), total_s):
        n_ended = int(now // trial_s) * n_slots
        n_epochs, since_s = divmod(now % trial_s, epoch_s)
        values = rising(int(n_epochs))
        running = [make_trial(RUNNING, values, since_epoch_s=since_s) for _ in range(n_slots)]
        ended = [make_trial(COMPLETE, rising(MAX_EPOCHS)) for _ in range(n_ended)]
        waiting = [make_trial(WAITING) for _ in range(n_trials - n_ended - n_slots)]
        estimates.append(estimate([*ended, *running, *waiting], n_slots))
    return estimates


@pytest.mark.parametrize("n_slots", [1, 2])
def test_estimate_time_left_at_a_constant_speed_falls_as_the_clock(n_slots: int) -> None:
    estimates = simulate_grid(n_trials=4, n_slots=n_slots)
    total_s = MAX_EPOCHS * 10 * 4 / n_slots
    assert estimates == pytest.approx([total_s - now for now in range(10, round(total_s))])


def test_estimate_time_left_in_a_slow_epoch_stays_until_its_end() -> None:
    late = [
        estimate([make_trial(RUNNING, rising(5), since_epoch_s=since_s)])
        for since_s in (9, 10, 11, 60)
    ]
    assert late == [141, 140, 140, 140]


def test_estimate_time_left_trial_that_improves_for_longer_adds_only_its_patience() -> None:
    ended = [make_trial(COMPLETE, rising(8))]
    usual, longer = (
        estimate([*ended, make_trial(RUNNING, rising(n_epochs))]) for n_epochs in (2, 10)
    )
    assert usual == (8 - 2) * 10
    assert longer == PATIENCE * 10
    stalled = make_trial(RUNNING, [*rising(10), 0.0, 0.0])
    assert estimate([*ended, stalled]) == (PATIENCE - 2) * 10


def test_estimate_time_left_slow_trial_leaves_the_pace_of_waiting_ones() -> None:
    others = [make_trial(COMPLETE, rising(MAX_EPOCHS)), make_trial(WAITING)]
    even = estimate([*others, make_trial(RUNNING, rising(10))])
    slow = estimate([*others, make_trial(RUNNING, rising(10), epoch_s=30)])
    assert slow - even == (MAX_EPOCHS - 10) * (30 - 10)


def test_estimate_time_left_waiting_trials_fill_free_slots() -> None:
    trials = [make_trial(RUNNING, rising(10)), *[make_trial(WAITING)] * 3]
    assert estimate(trials, n_slots=2) == 400  # 100 + 200 in one, 200 + 200 in the other
    assert estimate(trials, n_slots=9) == 200


def test_estimate_time_left_networks_have_their_own_pace() -> None:
    fast = make_trial(COMPLETE, rising(MAX_EPOCHS), name="mlnn-config-1", epoch_s=1)
    slow = make_trial(COMPLETE, rising(MAX_EPOCHS), epoch_s=50)
    waiting = make_trial(WAITING, name="mlnn-config-1")
    assert estimate([fast, slow, waiting]) == MAX_EPOCHS


def test_estimate_time_left_failed_trial_is_no_measure_of_epochs() -> None:
    trials = [make_trial(ProgressState.FAILED, rising(1)), make_trial(WAITING)]
    assert estimate(trials) == MAX_EPOCHS * 10


def test_estimate_time_left_search_counts_new_trials_and_the_retraining() -> None:
    search = Stage(
        trials=[make_trial(ProgressState.PRUNED, rising(3)), make_trial(RUNNING, rising(4))],
        n_unplanned=2,
        max_epochs=MAX_EPOCHS,
        rungs=(1, 3, 9),
    )
    retraining = Stage(trials=(), n_unplanned=6, max_epochs=MAX_EPOCHS)
    # The running trial reaches at least the next rung; the others end after three epochs.
    assert estimate_time_left_s([search], n_slots=1) == (9 - 4) * 10 + 2 * 30
    assert estimate_time_left_s([search, retraining], n_slots=2) == 60 + 6 * 200 / 2


def test_estimate_time_left_time_budget_bounds_the_search_only() -> None:
    search = Stage(trials=[make_trial(RUNNING, rising(1))], limit_s=30)
    retraining = Stage(trials=(), n_unplanned=1, max_epochs=MAX_EPOCHS)
    assert estimate_time_left_s([search, retraining], n_slots=1) == 30 + 200


def test_compute_trial_s_ended_trial_is_none() -> None:
    trial = make_trial(COMPLETE, rising(3))
    stage = Stage(trials=[trial])
    assert StageEstimate(stage, Pace([trial])).compute_trial_s(trial) is None
