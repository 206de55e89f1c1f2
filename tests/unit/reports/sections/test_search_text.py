"""Sentences about a search: which names and numbers they hold in each of its states."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.ledger.states import EndReason
from reports.sections.search_text import describe_repeatability, describe_search
from tests.helpers.report_frames import MINUS, make_pairs
from tests.helpers.search_builder import RESNET_SPACE
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_confirmation, make_search_analysis

SEARCH = make_search_analysis()
PAIRS = make_pairs({("trial-3", "cnn-config-2"): 0.02})


def describe(pairs: pd.DataFrame = PAIRS, **changes: Any) -> list[str]:
    return list(describe_search(replace(SEARCH, **changes), pairs))


def change_trials(**columns: Any) -> Mapping[str, Any]:
    return {"trials": SEARCH.trials.assign(**columns), "confirmed": SEARCH.confirmed.iloc[:0]}


def test_describe_search_best_trial_has_value_settings_and_rank() -> None:
    best, *_ = describe()
    assert all(part in best for part in ("94.00", "trial-3", "CNN, Adam", "0.004", "5"))


def test_describe_search_published_best_trial_has_no_settings() -> None:
    best, *_ = describe(trials=SEARCH.trials.drop(index=3))
    assert "cnn-config-2" in best
    assert "92.00" in best
    assert "0.002" not in best


def test_describe_search_confirmation_has_shrinkage_and_difference_on_val() -> None:
    _, confirmation, *_ = describe()
    assert all(
        part in confirmation
        for part in (
            "2",
            "trial-3",
            "93.00 ± 0.30",
            "1.00",
            "cnn-config-2",
            "91.00 ± 0.30",
            "+2.00",
        )
    )


def test_describe_search_is_compared_with_the_best_of_several_baselines() -> None:
    second = SEARCH.confirmed.iloc[1:].assign(configuration="cnn-config-1", val_macro_f1=0.85)
    _, confirmation, *_ = describe(confirmed=pd.concat([SEARCH.confirmed, second]))
    assert confirmation == describe()[1]


@pytest.mark.parametrize("shrinkage", [-0.005, np.nan])
def test_describe_search_value_that_grew_or_is_unknown_is_no_shrinkage(shrinkage: float) -> None:
    usual = describe(confirmed=SEARCH.confirmed.assign(shrinkage=0.005))[1]
    other = describe(confirmed=SEARCH.confirmed.assign(shrinkage=shrinkage))[1]
    assert "shrinkage" in usual
    assert "shrinkage" not in other
    assert ("0.50" in other) == (shrinkage == -0.005)


def test_describe_search_winner_that_is_published_is_compared_with_nothing() -> None:
    confirmed = SEARCH.confirmed.iloc[1:].assign(role="best")
    _, confirmation, on_test, *_ = describe(confirmed=confirmed)
    assert confirmation.count("cnn-config-2") == 1
    assert "90.50 ± 0.40" in on_test
    assert "+" not in on_test


def test_describe_search_test_scores_have_the_sign_of_the_winner() -> None:
    on_test = describe()[2]
    reversed_pair = make_pairs({("cnn-config-2", "trial-3"): -0.02})
    assert all(part in on_test for part in ("92.50", "90.50", "+2.00"))
    assert describe(reversed_pair)[2] == on_test
    assert MINUS not in on_test


def test_describe_search_test_scores_differ_by_significance() -> None:
    undecided = make_pairs({("trial-3", "cnn-config-2"): 0.02}, significant=False)
    assert describe()[2] != describe(undecided)[2]
    without_pair = describe(make_pairs({("x", "y"): 0.02}))[2]
    assert "92.50" in without_pair
    assert "+2.00" not in without_pair


def test_describe_search_of_one_seed_shows_no_spread() -> None:
    confirmed = SEARCH.confirmed.assign(seeds=1, val_macro_f1_sd=np.nan, test_macro_f1_sd=np.nan)
    _, confirmation, on_test, *_ = describe(confirmed=confirmed)
    assert "±" not in confirmation + on_test


def test_describe_search_baseline_that_finished_alone_is_not_taken_for_the_winner() -> None:
    confirmed = SEARCH.confirmed.assign(seeds=[0, 2])
    texts = describe(confirmed=confirmed)
    assert len(texts) == len(describe()) - 1
    assert not any("cnn-config-2" in text for text in texts)


def test_describe_search_unconfirmed_states_differ() -> None:
    nothing_planned = describe(confirmed=SEARCH.confirmed.iloc[:0])
    nothing_finished = describe(confirmed=SEARCH.confirmed.assign(seeds=0))
    assert nothing_planned[1] != nothing_finished[1]
    assert len(nothing_planned) == len(nothing_finished)


def test_describe_search_effort_has_epochs_and_those_of_full_training() -> None:
    effort = describe()[3]
    # Complete and pruned: 4 + 4 + 1 + 4 + 2 epochs instead of 5 times 4.
    assert all(part in effort for part in ("5", "15", "20", "1.3"))
    in_full = describe(trials=SEARCH.trials.loc[[0, 1]])[3]
    assert "8" in in_full
    assert "1.0" not in in_full


def test_describe_search_before_its_end_counts_the_proposals() -> None:
    record = replace(SMALL_SEARCH_RECORD, n_trials=70)
    texts = describe(record=record, confirmation=None, confirmed=SEARCH.confirmed.iloc[:0])
    assert "70" in texts[2]
    assert "6" in texts[2]
    assert len(texts) == 4


@pytest.mark.parametrize(
    ("ended_by", "n_more"),
    [(EndReason.TRIALS, 0), (EndReason.TIME_BUDGET, 1), (EndReason.TARGET_MACRO_F1, 1)],
)
def test_describe_search_that_ended_early_names_the_option(
    ended_by: EndReason, n_more: int
) -> None:
    texts = describe(confirmation=make_confirmation(ended_by=ended_by))
    assert len(texts) == 5 + n_more
    assert f"--{ended_by.value.replace('_', '-')}" in texts[4] or not n_more


@pytest.mark.parametrize("state", ["failed", "diverged"])
def test_describe_search_without_a_value_counts_the_states(state: str) -> None:
    texts = describe(**change_trials(state=state, value=np.nan))
    assert f"6 {state}" in texts[-1]
    assert len(texts) == 3
    assert not any(character.isdigit() for character in texts[0] + texts[1])


def test_describe_search_of_residual_networks_names_its_baseline_otherwise() -> None:
    record = replace(SMALL_SEARCH_RECORD, resnet=RESNET_SPACE)
    assert describe(record=record)[1] != describe()[1]


def test_describe_repeatability_depends_on_concurrency() -> None:
    one, four, unknown = (
        describe_repeatability(replace(SEARCH, confirmation=confirmation))
        for confirmation in (
            make_confirmation(concurrency=1),
            make_confirmation(concurrency=4),
            None,
        )
    )
    assert "4" in four
    assert one.replace("1", "4") != four
    assert len({one, four, unknown}) == 3
