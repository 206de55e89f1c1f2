"""The parameters of a trial, as Ray Tune hands them to a worker."""

from typing import Any

from bloodnets.storage.backends import to_absolute_str
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial


def make_trial_parameters(
    ledger: Ledger, trial: PlannedTrial, *, probe_file: str, evaluate_test: bool
) -> dict[str, Any]:
    """A trial as Tune's parameters, and `bloodnets.trainable`'s."""
    return {
        "location": to_absolute_str(ledger.location),
        "probe_file": probe_file,
        "study_fingerprint": ledger.study.fingerprint,
        "id": trial.id,
        "configuration": trial.configuration,
        "config": dict(trial.config),
        "evaluate_test": evaluate_test,
    }
