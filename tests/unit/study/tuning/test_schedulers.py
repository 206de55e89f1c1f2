"""Which trials ASHA stops, and which it never does."""

from types import SimpleNamespace

import pytest

from reports.ledger.states import StopReason
from study.tuning.asha import Rungs
from study.tuning.schedulers import AshaScheduler


@pytest.mark.parametrize(
    ("configuration", "answer"), [("trial-7", "STOP"), ("cnn-config-2", "CONTINUE")]
)
def test_what_lags_at_a_rung_is_stopped_unless_it_is_published(
    configuration: str, answer: str
) -> None:
    rungs = Rungs([2], reduction_factor=3)
    stopped: dict[str, StopReason] = {}
    asha = AshaScheduler(rungs, stopped)
    rungs.report("first", 2, 0.9)
    trial = SimpleNamespace(config={"trial": {"id": "own", "configuration": configuration}})
    values = {1: 0.6, 2: 0.5}
    answers = [
        asha.on_trial_result(None, trial, {"epoch/epoch": epoch, "epoch/val_macro_f1": value})
        for epoch, value in values.items()
    ]
    assert answers == ["CONTINUE", answer]
    assert rungs.values[2] == {"first": 0.9, "own": 0.6}  # the best so far, and others see it
    assert stopped == ({"own": "asha"} if answer == "STOP" else {})
