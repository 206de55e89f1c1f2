"""Collect learning curves of complete trials and their means over replicates, as data frames."""

from dataclasses import dataclass

import pandas as pd

from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import get_replicate_name
from reports.ledger.states import TrialState

_SETTINGS = ("family", "loss", "optimizer", "seed")
_EPOCH_FIELDS = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_macro_f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurves:
    """Learning curves of every complete trial.

    Attributes:
        epochs: A row for each trial and epoch:

            - `id` (str): Id of the trial.
            - `configuration` (str): Name of its configuration.
            - `family`, `loss`, `optimizer` (str), `seed` (int): Its settings.
            - `fold` (Int64): Its fold, from 0; <NA> without a cross-validation.
            - `replicate` (str): Its seed and fold, e.g. `s0` or `s0-f2`.
            - `epoch` (int): Epoch, from 1.
            - `train_loss` (float): Mean training loss of the epoch, in nats.
            - `val_loss` (float): Loss on val after the epoch, in nats.
            - `val_accuracy`, `val_macro_f1` (float): Scores on val after the epoch, 0 to 1.
            - `best_epoch` (int): Epoch whose weights the trial kept, the same in all its rows.
        means: Means over replicates, a row for each configuration and epoch, up to the last
            epoch that all its replicates ran:

            - `configuration` (str), `epoch` (int): As in `epochs`.
            - `train_loss`, `val_loss` (float, nats), `val_macro_f1` (float, 0 to 1): Means over
              the replicates.
            - `train_loss_sd`, `val_loss_sd`, `val_macro_f1_sd` (float): Standard deviations over
              the replicates (divisor n - 1); NaN for one replicate.
    """

    epochs: pd.DataFrame
    means: pd.DataFrame


def collect_learning_curves(loaded_study: LoadedStudy) -> LearningCurves:
    """Return the learning curves of a study's complete trials and their means."""
    epochs = make_curves_frame(loaded_study)
    return LearningCurves(epochs=epochs, means=average_curves(epochs))


def make_curves_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Return the epochs of every complete trial, with the columns of `LearningCurves.epochs`."""
    rows = [
        {
            "id": record.id,
            "configuration": record.configuration,
            **{key: value for key, value in record.config.items() if key in _SETTINGS},
            "fold": record.config.get("fold"),
            "replicate": get_replicate_name(record.config),
            **{name: getattr(epoch, name) for name in _EPOCH_FIELDS},
            "best_epoch": record.best_epoch,
        }
        for record in loaded_study.records.values()
        if record.state is TrialState.COMPLETE
        for epoch in loaded_study.epochs[record.id]
    ]
    settings = [*_SETTINGS, "fold", "replicate"]
    columns = ["id", "configuration", *settings, *_EPOCH_FIELDS, "best_epoch"]
    return pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})


def average_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the means over replicates, with the columns of `LearningCurves.means`.

    They end with the last epoch that all replicates ran. Later means would be of fewer trials and
    jump whenever a trial ends.

    Args:
        frame: Frame from `make_curves_frame`.
    """
    groups = frame.groupby(["configuration", "epoch"], sort=False)
    values = groups[["train_loss", "val_loss", "val_macro_f1"]]
    means = values.mean().join(values.std(ddof=1).add_suffix("_sd"))
    means = means.assign(trials=groups.size()).reset_index()
    replicates = means["configuration"].map(frame.groupby("configuration")["replicate"].nunique())
    return means[means["trials"] == replicates].drop(columns="trials")
