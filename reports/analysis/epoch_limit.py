"""Find the trials that the epoch limit ended before early stopping could."""

from collections.abc import Sequence
from typing import NamedTuple

from reports.ledger.loading import LoadedStudy
from reports.ledger.records import TrialRecord
from reports.ledger.states import StopReason, TrialState


class EpochLimit(NamedTuple):
    """Complete trials that ended at the epoch limit, so they may not have converged.

    Attributes:
        n_limited: Number of complete trials that the epoch limit ended, at least 0.
        n_complete: Number of complete trials.
        max_epochs: Limits of the trials that ended there, in epochs, ascending.
    """

    n_limited: int
    n_complete: int
    max_epochs: Sequence[int]


def count_limited_trials(loaded_study: LoadedStudy) -> EpochLimit:
    """Count the complete trials that ended at the epoch limit instead of by early stopping.

    Residual networks are not counted as limited, because they train for a fixed number of epochs
    by design.

    Args:
        loaded_study: Files of the study; for a search, only its re-trained trials count.
    """
    complete = [r for r in loaded_study.records.values() if r.state is TrialState.COMPLETE]
    limited = [record for record in complete if _is_limited(record)]
    return EpochLimit(
        n_limited=len(limited),
        n_complete=len(complete),
        max_epochs=sorted({record.config["max_epochs"] for record in limited}),
    )


def find_limited_configurations(loaded_study: LoadedStudy) -> set[str]:
    """Return the names of the configurations with a trial that `count_limited_trials` counts."""
    return {record.configuration for record in loaded_study.records.values() if _is_limited(record)}


def _is_limited(record: TrialRecord) -> bool:
    return (
        record.state is TrialState.COMPLETE
        and record.stop_reason is StopReason.MAX_EPOCHS
        and record.config["family"] != "resnet"
    )
