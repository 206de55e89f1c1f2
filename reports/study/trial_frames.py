"""Return the trials of a study as data frames."""

import numpy as np
import pandas as pd

from bloodnets.errors import DataError
from reports.ledger.lookup import find_trial, get_trial_name
from reports.ledger.planned_trial import PlannedTrial
from reports.study.results import StudyResults, insert_trial_names


class TrialFrames(StudyResults):
    """Frames about single trials: settings and scores, predictions, learning curves."""

    @property
    def trials(self) -> pd.DataFrame:
        """Planned trials, one row each, in the order of the plan, including unfinished ones.

        A value that a trial does not have is NaN or None. The columns are:

        - `id`, `trial`, `configuration` (str): Id and short name of the trial, and name of its
          configuration.
        - Every setting of the trial, e.g. `family`, `learning_rate` and `seed`; see
          `reports.ledger.planned_trial.Config`. `folds` and `fold` (Int64) are <NA> without a
          cross-validation.
        - `state` (str): `complete`, `failed`, `missing` (not ended) or `unreadable`.
        - `stop_reason`, `error` (str): Reason why the trial ended, and error message.
        - `epochs`, `best_epoch` (float): Number of epochs, and the epoch with the highest val
          macro F1, from 1.
        - `duration_s` (float): Duration in seconds.
        - `device`, `host` (str): Device and host that trained it.
        - `parameters`, `operations` (float): Number of trainable parameters, and floating-point
          operations of the prediction for one image.
        - `images_per_s` (float): Training images per second, over all epochs.
        - `attempts` (float), `test_evaluations` (int): Numbers of starts and of test evaluations.
        - `val_accuracy`, `val_macro_f1`, `val_weighted_f1`, `val_macro_precision`,
          `val_macro_recall`, `val_auc` (float): Scores on val, 0 to 1.
        - `test_accuracy`, `test_macro_f1`, `test_weighted_f1`, `test_macro_precision`,
          `test_macro_recall`, `test_auc` (float): Scores on test, 0 to 1.

        Examples:
            >>> study.trials[["trial", "state", "best_epoch", "test_macro_f1"]].round(3)
                          trial     state  best_epoch  test_macro_f1
            0  mlnn-config-2-s0  complete        20.0          0.861
            1  mlnn-config-2-s1  complete        23.0          0.854
            2   cnn-config-2-s0  complete        20.0          0.943
            3   cnn-config-2-s1  complete        23.0          0.937
        """
        return insert_trial_names(self._trials)

    def predictions(self, trial: str) -> pd.DataFrame:
        """Return a trial's predictions on test, made with the weights of its best epoch.

        Args:
            trial: Short name or id of a complete trial, e.g. `cnn-config-2-s0`.

        Returns:
            One row per test image, in the order of the test split; the index is named `image`:

            - `true`, `predicted` (int64): Labels of the classes.
            - `true_class`, `predicted_class` (category): Names of the classes.
            - `probability_0` to `probability_7` (float32): Probabilities of the classes, of which
              BloodMNIST has eight, 0 to 1; each row sums to 1.

        Raises:
            DataError: No trial has this name, or the trial was not evaluated on test.

        Examples:
            >>> predictions = study.predictions("cnn-config-2-s0")
            >>> len(predictions)
            3421
            >>> float((predictions["true"] == predictions["predicted"]).mean().round(3))
            0.95
        """
        planned = find_trial(self.name, self.loaded_study.planned_trials, trial)
        tested = self.loaded_study.predictions
        (rows,) = np.nonzero((tested.trials["id"] == planned.id).to_numpy())
        if not rows.size:
            raise self._make_untested_error(planned)
        probabilities, names = tested.probabilities[rows[0]], pd.Index(self.class_names)
        labels = {"true": tested.labels, "predicted": probabilities.argmax(axis=1)}
        classes = {
            f"{key}_class": pd.Categorical.from_codes(values, categories=names)
            for key, values in labels.items()
        }
        columns = {f"probability_{i}": probabilities[:, i] for i in range(len(names))}
        frame = pd.DataFrame({**labels, **classes, **columns}, copy=True)
        return frame.rename_axis("image")

    def learning_curves(self) -> pd.DataFrame:
        """Return the losses and val scores of every complete trial after each epoch.

        Returns:
            One row per trial and epoch:

            - `id`, `trial`, `configuration` (str): Id and short name of the trial, and name of its
              configuration.
            - `family`, `loss`, `optimizer` (str), `seed` (int): Settings of the trial.
            - `fold` (Int64): Fold of the trial, from 0; <NA> without a cross-validation.
            - `replicate` (str): Seed and fold of the trial, e.g. `s0` or `s0-f2`.
            - `epoch` (int): Number of the epoch, from 1.
            - `train_loss`, `val_loss` (float): Mean losses on train and val, in nats.
            - `val_accuracy`, `val_macro_f1` (float): Scores on val, 0 to 1.
            - `best_epoch` (int): Epoch with the trial's highest val macro F1, the same in all its
              rows.

        Examples:
            >>> study.learning_curves()[["trial", "epoch", "val_macro_f1"]].tail(2).round(3)
                           trial  epoch  val_macro_f1
            124  cnn-config-2-s1     32         0.939
            125  cnn-config-2-s1     33         0.940
        """
        return insert_trial_names(self.curves.epochs)

    def _make_untested_error(self, planned: PlannedTrial) -> DataError:
        name = get_trial_name(planned.id)
        if planned in self.loaded_study.study.trials:
            (state,) = self._trials.loc[self._trials["id"] == planned.id, "state"]
            reason = f"is {state}, so it has no predictions"
        else:
            reason = "is a trial of the search, which was not evaluated on test"
        return DataError(f"{name} {reason}", value=name, remedy="choose a complete trial")
