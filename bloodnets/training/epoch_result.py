"""Result of an epoch, and the reason why training ended.

This module does not import PyTorch, because the driver does not need it.
"""

from dataclasses import dataclass
from typing import Literal

TrainingStopReason = Literal["patience", "max_epochs"]
"""Reason why training ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResult:
    """Result of one pass over train and one over val.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Mean loss over the epoch's images in nats, with dropout and class weights.
        val_loss: Mean loss over val in nats, without dropout and class weights.
        val_accuracy: Accuracy on val, 0 to 1.
        val_macro_f1: Macro F1 on val, 0 to 1; early stopping uses it.
        duration_s: Duration of both passes in seconds.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    duration_s: float
