"""ASHA's rungs: who goes on, who does not, and that they can be built again."""

from dataclasses import replace

import numpy as np
import pytest

from study.tuning.asha import Rungs
from tests.helpers.search_builder import SEARCH_RECORD


def rungs(reduction: int = 3) -> Rungs:
    return Rungs([1, 3, 9], reduction_factor=reduction)


@pytest.mark.parametrize(
    ("grace", "reduction", "max_epochs", "expected"),
    [
        (1, 2, 20, [1, 3, 9, 15]),
        (1, 4, 20, [1, 3, 9, 15]),  # the reduction says who goes on, not when
        (2, 2, 20, [2, 6, 18, 19]),
        (1, 2, 100, [1, 3, 9, 27, 81, 91]),
        (1, 2, 4, [1, 3]),  # none at the last epoch, where a trial ends anyway
        (20, 3, 20, []),
        (5, 4, 6, [5]),
        (1, 2, 1, []),
    ],
)
def test_each_rung_is_three_times_the_one_before_and_the_last_halfway_to_the_end(
    grace: int, reduction: int, max_epochs: int, expected: list[int]
) -> None:
    search = replace(
        SEARCH_RECORD, grace_period=grace, reduction_factor=reduction, max_epochs=max_epochs
    )
    assert search.rungs == expected


def test_between_rungs_every_trial_goes_on() -> None:
    own = Rungs([2, 6, 18], reduction_factor=3)
    assert own.report("a", 2, 0.9)
    assert own.report("b", 3, 0.1)
    assert own.values[2] == {"a": 0.9}


def test_the_first_goes_on_and_of_the_next_the_better_alone() -> None:
    own = rungs()
    assert own.report("a", 1, 0.5)
    assert not own.report("b", 1, 0.4)
    assert own.report("c", 1, 0.6)


def test_of_many_one_in_three_goes_on() -> None:
    own = rungs()
    for i, value in enumerate(np.linspace(0.1, 0.8, 8)):
        own.report(f"t{i}", 1, float(value))
    assert own.report("third", 1, 0.65)  # .8 and .7 are higher: of nine, it is the third
    assert not own.report("fourth", 1, 0.64)


def test_equal_values_go_on_together() -> None:
    own = rungs()
    assert own.report("a", 1, 0.5)
    assert own.report("b", 1, 0.5)


def test_a_trial_that_is_tried_again_counts_once() -> None:
    own = rungs()
    own.report("a", 1, 0.9)
    own.report("a", 1, 0.3)
    assert own.values[1] == {"a": 0.3}


def test_replayed_epochs_give_the_same_rungs_with_the_best_so_far() -> None:
    live, again = (rungs() for _ in range(2))
    curve = [0.2, 0.5, 0.4, 0.3]
    for epoch, best in enumerate(np.maximum.accumulate(curve), start=1):
        live.report("a", epoch, float(best))
    again.add_ended_trial("a", curve)
    assert again.values == live.values == {1: {"a": 0.2}, 3: {"a": 0.5}, 9: {}}
