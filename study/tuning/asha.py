"""ASHA: at each rung, a trial continues only if it is among the best that have reached the rung.

The algorithm is asynchronous successive halving in its stopping variant: no trial waits for a rung
to fill. See Li et al., "A system for massively parallel hyperparameter tuning" (MLSys 2020,
arXiv:1810.05934).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from bloodnets.errors import DataError
from reports.ledger.search_record import SearchRecord

RUNG_SPACING = 3
"""Ratio of the epochs of two successive rungs."""


def make_tripling_rungs(grace_period: int, max_epochs: int) -> tuple[int, ...]:
    """Return the tripling schedule: rungs that triple, and one halfway from the last to the end.

    In the paper, one factor sets both the spacing of the rungs and the promoted share. Here the
    spacing is fixed, and one trial in `reduction_factor` is promoted: by default one in two at
    epochs 1, 3, 9 and 15 of 20. On simulated learning curves (600 searches of 50 trials,
    `tests/slow/surrogate.py`), 67% of the searches found what 50 fully trained random trials find.
    They took 293 epochs on average. Promoting one in three at epochs 2, 6 and 18 gave 52% of the
    searches, with 278 epochs.

    Args:
        grace_period: First rung, in epochs, at least 1.
        max_epochs: Epochs of a trial that is never stopped.

    Returns:
        Epochs below `max_epochs`, in ascending order; empty if the grace period is `max_epochs`.

    Raises:
        DataError: The grace period is not between 1 and `max_epochs`.
    """
    if not 1 <= grace_period <= max_epochs:
        expected = f"1 to --max-epochs, which is {max_epochs}"
        raise DataError.of_value("--grace-period", grace_period, expected)
    rungs, epoch = [], grace_period
    while epoch < max_epochs:
        rungs.append(epoch)
        epoch *= RUNG_SPACING
    halfway = (rungs[-1] + max_epochs + 1) // 2 if rungs else max_epochs
    return (*rungs, halfway) if halfway < max_epochs else tuple(rungs)


class Rungs:
    """Values of the trials at the rungs of ASHA.

    Optuna's `SuccessiveHalvingPruner` makes the same decisions for schedules that both can express.
    But its rungs are `reduction_factor` apart, and a resume would have to write them back under
    private keys of its trials. Ray's scheduler does not expose its rungs.

    Attributes:
        values: Best val macro F1 so far, 0 to 1, by epoch of the rung and id of the trial.
    """

    def __init__(self, search: SearchRecord) -> None:
        """Create rungs that no trial has reached.

        Args:
            search: Settings of the search, for its rungs and reduction factor.
        """
        self._reduction_factor = search.reduction_factor
        self.values: dict[int, dict[str, float]] = {epoch: {} for epoch in search.rungs}

    def report(self, trial_id: str, epoch: int, value: float) -> bool:
        """Return whether a trial continues after an epoch; store its value if the epoch is a rung.

        Args:
            trial_id: Id of the trial.
            epoch: Number of the epoch, starting at 1.
            value: Best val macro F1 so far, 0 to 1.
        """
        if epoch not in self.values:
            return True
        rung_values = self.values[epoch]
        rung_values[trial_id] = value
        # With fewer trials than `reduction_factor`, only the best is promoted.
        n_promoted = max(1, len(rung_values) // self._reduction_factor)
        return sum(other > value for other in rung_values.values()) < n_promoted

    def add_ended_trial(self, trial_id: str, best_values: Sequence[float]) -> None:
        """Store the values of a trial of an earlier run.

        Args:
            trial_id: Id of the trial.
            best_values: Best val macro F1 so far, 0 to 1, after each epoch.
        """
        for epoch, value in enumerate(best_values, start=1):
            self.report(trial_id, epoch, value)


def compute_running_best(values: Iterable[float]) -> list[float]:
    """Return the running maximum of the values, one per value."""
    return list(accumulate(values, max))
