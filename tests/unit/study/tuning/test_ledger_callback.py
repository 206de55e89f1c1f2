"""What is entered of trials that the end of a search overtakes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reports.ledger.states import StopReason
from study.tuning.ledger_callback import LedgerCallback
from study.tuning.optuna_study import OptunaProposer
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.tuning.test_optuna_study import empty, opened


class Silent:
    """Listens, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def tune_trial(own: OptunaProposer) -> SimpleNamespace:
    """The next proposal, as far as the callback reads Tune's trial."""
    planned = own.propose()
    parameters = {
        "id": planned.id,
        "configuration": planned.configuration,
        "config": planned.config,
    }
    return SimpleNamespace(config={"trial": parameters}, num_failures=0, status="PENDING")


def test_a_trial_that_waits_when_the_search_ends_has_not_been_tried(tmp_path: Path) -> None:
    ledger = empty(tmp_path / "s")
    own = OptunaProposer(ledger, SEARCH_RECORD)
    callback = LedgerCallback(ledger, [own, Silent()], stop_reasons={})
    runs, waits = tune_trial(own), tune_trial(own)
    callback.on_trial_start(0, [], runs)
    callback.on_experiment_end([runs, waits])
    callback.record_unfinished(StopReason.TIME_BUDGET)
    records = [ledger.read_trial(planned) for planned in ledger.read_proposals()]
    assert [(r.state, r.stop_reason, r.attempts, r.epochs) for r in records if r] == [
        ("pruned", "time_budget", 1, 0),
        ("pruned", "time_budget", 0, 0),
    ]
    assert [trial.state.name for trial in opened(ledger)] == ["PRUNED", "PRUNED"]
