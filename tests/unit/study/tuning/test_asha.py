"""ASHA's rungs: which trials continue, and that the rungs can be built again."""

from dataclasses import replace

import numpy as np
import pytest

from bloodnets.errors import DataError
from study.tuning.asha import Rungs, compute_running_best, make_tripling_rungs
from tests.helpers.search_builder import SEARCH_RECORD


def make_rungs(*epochs: int) -> Rungs:
    return Rungs(replace(SEARCH_RECORD, rungs=epochs or (1, 3, 9), reduction_factor=3))


@pytest.mark.parametrize(
    ("grace_period", "max_epochs", "expected"),
    [
        (1, 20, (1, 3, 9, 15)),
        (2, 20, (2, 6, 18, 19)),
        (1, 100, (1, 3, 9, 27, 81, 91)),
        (1, 4, (1, 3)),  # none at the last epoch, where a trial ends anyway
        (20, 20, ()),
        (5, 6, (5,)),
        (1, 1, ()),
    ],
)
def test_make_tripling_rungs_triples_and_adds_one_halfway_to_the_end(
    grace_period: int, max_epochs: int, expected: tuple[int, ...]
) -> None:
    assert make_tripling_rungs(grace_period, max_epochs) == expected


@pytest.mark.parametrize("grace_period", [0, 21])
def test_make_tripling_rungs_grace_period_out_of_range_raises(grace_period: int) -> None:
    with pytest.raises(DataError) as raised:
        make_tripling_rungs(grace_period, 20)
    assert raised.value.problem.startswith("--grace-period is")
    assert raised.value.value == grace_period


def test_report_between_rungs_every_trial_continues() -> None:
    own = make_rungs(2, 6, 18)
    assert own.report("a", 2, 0.9)
    assert own.report("b", 3, 0.1)
    assert own.values[2] == {"a": 0.9}


def test_report_first_trial_and_better_trials_continue() -> None:
    own = make_rungs()
    assert own.report("a", 1, 0.5)
    assert not own.report("b", 1, 0.4)
    assert own.report("c", 1, 0.6)


def test_report_many_trials_one_in_reduction_factor_continues() -> None:
    own = make_rungs()
    for i, value in enumerate(np.linspace(0.1, 0.8, 8)):
        own.report(f"t{i}", 1, float(value))
    assert own.report("third", 1, 0.65)  # .8 and .7 are higher: of nine, it is the third
    assert not own.report("fourth", 1, 0.64)


def test_report_equal_values_continue_together() -> None:
    own = make_rungs()
    assert own.report("a", 1, 0.5)
    assert own.report("b", 1, 0.5)


def test_report_retried_trial_counts_once() -> None:
    own = make_rungs()
    own.report("a", 1, 0.9)
    own.report("a", 1, 0.3)
    assert own.values[1] == {"a": 0.3}


def test_add_ended_trial_gives_the_rungs_of_the_live_run() -> None:
    live, again = make_rungs(), make_rungs()
    curve = [0.2, 0.5, 0.4, 0.3]
    for epoch, best in enumerate(np.maximum.accumulate(curve), start=1):
        live.report("a", epoch, float(best))
    again.add_ended_trial("a", compute_running_best(curve))
    assert again.values == live.values == {1: {"a": 0.2}, 3: {"a": 0.5}, 9: {}}
