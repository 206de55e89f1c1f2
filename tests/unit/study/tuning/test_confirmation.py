"""Which configurations are trained again."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.search_record import Confirmation
from reports.ledger.states import EndReason
from study.tuning.confirmation import find_best_values, plan_confirmation, rank_configurations
from study.tuning.search_run import SearchRun
from tests.helpers.search_builder import SEARCH_RECORD, build_search

NAMES = ["cnn-config-1", "cnn-config-2"]


def end(ledger: Ledger) -> Confirmation:
    assert ledger.study.search is not None
    return plan_confirmation(
        SearchRun(ledger, ledger.study.search),
        ended_by=EndReason.TRIALS,
        duration_s=1.0,
        concurrency=2,
    )


def test_rank_configurations_returns_the_best_and_the_best_published() -> None:
    known = {"cnn-config-1": 0.91, "cnn-config-2": 0.92, "trial-2": 0.95, "trial-3": 0.93}
    assert rank_configurations(known, NAMES, 2) == (("trial-2", "trial-3"), ("cnn-config-2",))


def test_rank_configurations_published_may_be_among_the_best() -> None:
    known = {"cnn-config-1": 0.91, "cnn-config-2": 0.97, "trial-2": 0.95}
    assert rank_configurations(known, NAMES, 2) == (("cnn-config-2", "trial-2"), ("cnn-config-2",))


def test_rank_configurations_equal_values_keep_their_order() -> None:
    assert rank_configurations({"trial-5": 0.9, "trial-6": 0.9}, [], 1)[0] == ("trial-5",)


def test_rank_configurations_no_published_value_returns_all_published() -> None:
    assert rank_configurations({"trial-0": 0.5}, NAMES, 3) == (("trial-0",), tuple(NAMES))


@pytest.mark.parametrize(("known", "count"), [({}, 3), ({"trial-0": 0.5}, 0)])
def test_rank_configurations_without_a_best_returns_nothing(
    known: dict[str, float], count: int
) -> None:
    assert rank_configurations(known, NAMES, count) == ((), ())


def test_find_best_values_failed_and_diverged_trials_have_none(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=6)
    ledger = build_search(
        tmp_path / "s", search=search, failed_numbers={2: "OSError: x"}, diverged_numbers=[3],
        running_numbers=[5], ended_by=None,
    )  # fmt: skip
    assert set(find_best_values(SearchRun(ledger, search))) == {
        "cnn-config-1",
        "cnn-config-2",
        "trial-4",
    }


def test_plan_confirmation_retrains_proposed_settings_with_new_seeds(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=8, seed=4, retrain_top=2, retrain_seeds=3)
    ledger = build_search(tmp_path / "s", search=search, ended_by=None)
    found = end(ledger)
    configs = {planned.configuration: planned.config for planned in ledger.read_proposals()}
    names = tuple(dict.fromkeys((*found.best, *found.baselines)))
    assert len(found.best) == 2
    assert [(t.configuration, t.config["seed"]) for t in found.trials] == [
        (name, seed) for name in names for seed in (5, 6, 7)
    ]
    for trial in found.trials:
        assert {**trial.config, "seed": 4} == configs[trial.configuration]
    assert len({t.id for t in (*found.trials, *ledger.read_proposals())}) == len(found.trials) + 8


def test_plan_confirmation_equals_that_of_the_built_search(tmp_path: Path) -> None:
    ledger = build_search(
        tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=20), diverged_numbers=[7]
    )
    stored, made = ledger.read_confirmation(), end(ledger)
    assert stored is not None
    assert (stored.best, stored.baselines, stored.trials) == (
        made.best,
        made.baselines,
        made.trials,
    )
