"""Trials that commands can use."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from reports.ledger.ledger import Ledger
from study.inference.trial_lookup import find_complete_trial, find_replayable_trial
from tests.helpers.grid_builder import ASYMMETRIC, build_grid


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a grid with one complete, one failed and one missing trial."""
    return build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC] * 3},
        failed_trials={("cnn-config-1", 1): "OSError: broken"},
        missing_trials=[("cnn-config-1", 2)],
    )


def test_find_complete_trial_by_its_short_name_returns_the_record(ledger: Ledger) -> None:
    record = find_complete_trial(ledger, "cnn-config-1-s0")
    assert record.id.startswith("cnn-config-1-s0")


@pytest.mark.parametrize("name", ["cnn-config-1-s1", "cnn-config-1-s2", "cnn-config-9"])
def test_find_complete_trial_without_a_model_raises(ledger: Ledger, name: str) -> None:
    with pytest.raises(DataError) as caught:
        find_complete_trial(ledger, name)
    assert name in str(caught.value.value)


def test_find_replayable_trial_of_an_ended_trial_returns_the_record(ledger: Ledger) -> None:
    assert find_replayable_trial(ledger, "cnn-config-1-s0") in ledger.read_trials()


def test_find_replayable_trial_that_has_not_ended_raises(ledger: Ledger) -> None:
    with pytest.raises(DataError) as caught:
        find_replayable_trial(ledger, "cnn-config-1-s2")
    assert "cnn-config-1-s2" in str(caught.value.value)
