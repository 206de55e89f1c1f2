"""A trial or a configuration is found by the name that a user gives, or close names are given."""

import pytest

from bloodnets.errors import DataError
from reports.ledger.lookup import find_trial, require_configuration
from reports.ledger.planned_trial import PlannedTrial
from tests.helpers.grid_builder import make_config

TRIALS = [
    PlannedTrial(
        id=f"{name}-0a1b2c3d",
        configuration="cnn-config-1" if "config" in name else "trial-17",
        config=make_config("cnn-config-1"),
    )
    for name in ("trial-1-s1", "trial-17", "trial-170", "cnn-config-1-s1", "cnn-config-1-s2")
]


@pytest.mark.parametrize("text", ["trial-17", "trial-17-0a1b2c3d"])
def test_find_trial_by_name_or_id_returns_it(text: str) -> None:
    assert find_trial("s", TRIALS, text) is TRIALS[1]


def test_find_trial_by_configuration_with_one_trial_returns_it() -> None:
    assert find_trial("s", TRIALS[3:4], "cnn-config-1") is TRIALS[3]


def test_find_trial_by_configuration_with_several_trials_names_them() -> None:
    with pytest.raises(DataError) as caught:
        find_trial("s", TRIALS, "cnn-config-1")
    assert caught.value.value == "cnn-config-1"
    assert "cnn-config-1-s1, cnn-config-1-s2" in (caught.value.remedy or "")


def test_find_trial_with_unknown_name_suggests_close_names() -> None:
    with pytest.raises(DataError) as caught:
        find_trial("s", TRIALS, "trial-71")
    assert caught.value.value == "trial-71"
    assert "trial-17" in (caught.value.remedy or "")


def test_find_trial_with_no_close_name_lists_what_exists() -> None:
    with pytest.raises(DataError) as caught:
        find_trial("s", TRIALS, "zzz")
    assert "trial-170" in (caught.value.remedy or "")


def test_require_configuration_with_unknown_name_suggests_close_names() -> None:
    names = ["cnn-config-1", "cnn-config-2"]
    require_configuration("s", names, "cnn-config-2")
    with pytest.raises(DataError) as caught:
        require_configuration("s", names, "cn-config-2")
    assert caught.value.value == "cn-config-2"
    assert "cnn-config-2" in (caught.value.remedy or "")
