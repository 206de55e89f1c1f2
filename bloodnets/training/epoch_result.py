"""What training reports of an epoch and of its end. No torch in here: the driver needs none."""

from dataclasses import dataclass
from typing import Literal

TrainingStopReason = Literal["patience", "max_epochs"]
"""Why training ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResult:
    """One pass over train, then one over val.

    Attributes:
        epoch: from 1.
        train_loss: mean over the epoch's images, in nats, dropout active.
        val_loss: mean over val, in nats, dropout off.
        val_accuracy: 0 to 1.
        val_macro_f1: 0 to 1; what early stopping watches.
        duration_s: of both passes, in seconds.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    duration_s: float
