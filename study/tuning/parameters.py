"""The parameters of a trial, as Ray Tune hands them to a worker."""

from typing import Any

from bloodnets.storage.backends import everywhere
from reports.ledger.ledger import Ledger
from reports.ledger.records import PlannedTrial


def tune_parameters(
    ledger: Ledger, trial: PlannedTrial, *, mark: str, look: bool
) -> dict[str, Any]:
    """A trial as Tune's parameters, and `bloodnets.trainable`'s."""
    return {
        "place": everywhere(ledger.place),
        "mark": mark,
        "study": ledger.study.fingerprint,
        "id": trial.id,
        "configuration": trial.configuration,
        "config": dict(trial.config),
        "look": look,
    }
