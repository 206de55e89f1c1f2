"""What Tune asks: whom ASHA stops, and whom never; and who waits for a process."""

from types import SimpleNamespace
from typing import Any

import pytest

from reports.ledger.records import StopReason
from study.tuning.asha import Rungs
from study.tuning.schedulers import AshaScheduler, PendingFirstScheduler


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


def test_a_trial_whose_process_is_starting_is_given_no_other() -> None:
    def trial(name: str, status: str = "PENDING") -> SimpleNamespace:
        return SimpleNamespace(name=name, status=status)

    ended, starts, waits = trial("ended", "TERMINATED"), trial("starts"), trial("waits")
    trials = [ended, starts, waits, trial("new")]
    own = SimpleNamespace(
        get_trials=lambda: trials,
        _trial_to_actor=_ByName({"starts": "its process", "waits": "a place in the queue"}),
        _actor_manager=SimpleNamespace(is_actor_started=lambda actor: actor == "its process"),
    )
    controller = SimpleNamespace(_tune_controller=own)
    assert PendingFirstScheduler().choose_trial_to_run(controller) is waits
    waits.status = "RUNNING"
    assert PendingFirstScheduler().choose_trial_to_run(controller).name == "new"


class _ByName(dict[str, str]):
    """Of trials, which a `SimpleNamespace` cannot be a key for."""

    def get(self, trial: Any, default: Any = None) -> Any:
        return super().get(trial.name, default)
