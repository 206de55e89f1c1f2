"""The messages between the driver and a trial's worker."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.messages import (
    SPEC_KEY,
    EpochReport,
    FailureKind,
    TrialFailure,
    TrialOutcome,
    TrialReport,
    make_result,
    read_report,
    read_spec,
)
from bloodnets.training.epoch_result import EpochResult
from tests.helpers.specs import make_spec

EPOCH = EpochReport(
    result=EpochResult(
        epoch=1, train_loss=1, val_loss=1, val_accuracy=0.5, val_macro_f1=0.5, duration_s=1
    ),
    best_val_macro_f1=0.5,
    restored=False,
)
FAILURE = TrialFailure(kind=FailureKind.ERROR, message="it broke", exception="OSError")
REPORT = TrialReport(epochs=(EPOCH,), end=FAILURE)
OUTCOME = TrialOutcome(
    stop_reason="patience",
    best_epoch=1,
    epochs=1,
    started_at="2026-01-02T03:04:05Z",
    duration_s=1,
    device="cpu",
    host="host",
    versions={},
    parameters=1,
    operations=1,
    scores={},
    files={},
)


def test_read_spec_of_tunes_configuration_returns_the_trial() -> None:
    spec = make_spec(Path("results/s"))
    assert read_spec({SPEC_KEY: spec, "other": 1}) is spec


def test_deepcopy_of_a_spec_is_the_spec() -> None:
    spec = make_spec(Path("results/s"))
    assert copy.deepcopy({SPEC_KEY: spec})[SPEC_KEY] is spec


def test_read_report_of_a_result_returns_the_message() -> None:
    assert read_report(make_result(REPORT) | {"training_iteration": 1}) is REPORT


@pytest.mark.parametrize(
    ("end", "is_done"),
    [
        (None, False),
        (OUTCOME, True),
        (replace(FAILURE, kind=FailureKind.NON_FINITE_LOSS), True),
        # An exception follows. Tune retries the trial, or ends the run.
        (FAILURE, False),
        (replace(FAILURE, kind=FailureKind.RESOURCE), False),
    ],
)
def test_make_result_is_done_if_the_trial_has_ended(
    end: TrialOutcome | TrialFailure | None, is_done: bool
) -> None:
    assert make_result(TrialReport(end=end))["done"] is is_done


def test_read_report_of_tunes_own_result_is_none() -> None:
    assert read_report({"done": True}) is None


@pytest.mark.parametrize("message", [make_spec(Path("results/s")), REPORT])
def test_messages_pickled_are_equal(message: object) -> None:
    """Ray sends them to another process."""
    assert pickle.loads(pickle.dumps(message)) == message


def test_str_of_a_failure_names_exception_and_message() -> None:
    assert str(replace(FAILURE, remedy="mend it")) == "OSError: it broke"
