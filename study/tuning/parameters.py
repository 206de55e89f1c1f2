"""The parameters of a trial, as Ray Tune hands them to a worker."""

from typing import Any

from bloodnets.storage.backends import to_absolute_str
from reports.ledger.ledger import Ledger
from reports.ledger.records import PlannedTrial


def make_trial_parameters(
    ledger: Ledger, trial: PlannedTrial, *, probe_file: str, test_evaluation: bool
) -> dict[str, Any]:
    """A trial as Tune's parameters, and `bloodnets.trainable`'s."""
    return {
        "place": to_absolute_str(ledger.location),
        "mark": probe_file,
        "study": ledger.study.fingerprint,
        "id": trial.id,
        "configuration": trial.configuration,
        "config": dict(trial.config),
        "look": test_evaluation,
    }
