"""ASHA: at a few epochs, the rungs, a trial goes on only if it is among the best that came so far.

The asynchronous successive halving of Li et al., "A system for massively parallel hyperparameter
tuning" (MLSys 2020, arXiv:1810.05934), in its stopping form: nothing waits for a rung to fill.
Ray's own keeps its rungs to itself, so that they could not be built again from a ledger.

There, rungs lie as far apart as the share that goes on is small. Here one in two goes on, at rungs
three times as far from the start (epochs 1, 3, 9, and halfway to the end: 15 of 20). On simulated
learning curves (600 searches of 50 trials, `tests/slow/surrogate.py`) that found what 50 random
trials in full training do in 67 % of cases, with 293 epochs on average; one in three at epochs 2, 6
and 18 did in 52 %, with 278.
"""

from collections.abc import Iterable, Sequence


class Rungs:
    """What each trial had reached at each rung.

    Attributes:
        reached: at each rung, an epoch, the values of the trials that came there, by trial.
    """

    def __init__(self, epochs: Sequence[int], *, reduction: int) -> None:
        """Without trials yet.

        Args:
            epochs: the rungs, as of `SearchRecord`.
            reduction: of the trials at a rung, one in this many goes on; at least 2.
        """
        self.reduction = reduction
        self.reached: dict[int, dict[str, float]] = {epoch: {} for epoch in epochs}

    def goes_on(self, trial: str, epoch: int, value: float) -> bool:
        """Whether a trial goes on after an epoch; of an epoch that is a rung, keeps the value.

        Args:
            trial: its id.
            epoch: from 1.
            value: the best val macro F1 so far, 0 to 1.
        """
        if epoch not in self.reached:
            return True
        rung = self.reached[epoch]
        rung[trial] = value
        # Of fewer trials than `reduction`, the best alone goes on.
        places = max(1, len(rung) // self.reduction)
        return sum(other > value for other in rung.values()) < places

    def replay(self, trial: str, values: Iterable[float]) -> None:
        """Keep what a trial that ended before had reached.

        Args:
            trial: its id.
            values: of val macro F1, from the first epoch on.
        """
        best = 0.0
        for epoch, value in enumerate(values, start=1):
            best = max(best, value)
            self.goes_on(trial, epoch, best)
