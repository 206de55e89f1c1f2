"""Return the comparisons of a study's configurations on test as data frames."""

from typing import Literal

import pandas as pd

from bloodnets.errors import DataError
from reports.analysis.confusion import sum_confusions
from reports.analysis.cross_validation import make_cross_validation_frame
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.ledger.lookup import require_configuration
from reports.study.results import StudyResults


class ComparisonFrames(StudyResults):
    """Frames about configurations: scores, differences, classes, calibration, confusion."""

    def comparison(self) -> pd.DataFrame:
        """Return the scores of each configuration on test, with their uncertainty.

        Returns:
            One row per configuration, in the order of the plan:

            - `configuration` (str): Name of the configuration.
            - `family`, `loss`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float):
              Settings; `momentum` is NaN for Adam.
            - `replicates_planned`, `replicates` (int): Numbers of planned trials and of complete
              trials that were evaluated on test.
            - `failed`, `missing`, `unreadable` (int): Numbers of planned trials in that state.
            - `val_accuracy`, `val_macro_f1`, `val_weighted_f1`, `val_macro_precision`,
              `val_macro_recall`, `val_auc` (float): Means over the complete trials, 0 to 1, each
              with its standard deviation (`_sd`). They are from the epoch with the highest val
              macro F1, so they are too high on average.
            - `test_accuracy`, `test_macro_f1`, `test_weighted_f1`, `test_macro_precision`,
              `test_macro_recall`, `test_auc`, `test_balanced_accuracy` (float, 0 to 1), `test_mcc`,
              `test_kappa` (float, -1 to 1), `test_brier` (float, 0 to 2, lower is better) and
              `test_log_loss` (float, nats, lower is better): Means over the replicates. Each has
              its standard deviation over the replicates (`_sd`) and the ends of its 95% confidence
              interval over test images and replicates (`_low`, `_high`).
            - `val_macro_f1` (float): Mean macro F1 on val at the best epochs, 0 to 1, with `_sd`.
            - `best_epoch`, `epochs` (float, epochs), `duration_s` (float, seconds) and
              `images_per_s` (float): Means over the complete trials, each with `_sd`.
            - `parameters`, `operations` (float): Number of trainable parameters, and
              floating-point operations of the prediction for one image.
            - `test_images` (int): Number of images in the test split.
            - `published_weighted_f1` (float): Weighted F1 that the paper lists, 0 to 1; NaN if the
              configuration was not published.
            - `published_matrix_weighted_f1`, `published_accuracy`, `published_macro_f1` (float):
              Scores of the published confusion matrix, 0 to 1; NaN like the previous column.

            A search, a grid on synthetic cells, and a grid on data without some class have no
            `published_` columns.

        Examples:
            >>> columns = ["configuration", "test_macro_f1", "test_macro_f1_low"]
            >>> study.comparison()[columns].round(3)
               configuration  test_macro_f1  test_macro_f1_low
            0  mlnn-config-2          0.858              0.814
            1   cnn-config-2          0.940              0.898
        """
        return self._comparison.copy()

    def pairs(self, *, margin: float = DEFAULT_MARGIN) -> pd.DataFrame:
        """Return the difference in test macro F1 between every two models, with tests.

        Configurations that train the same model, e.g. with two equivalent losses, are compared
        once, under the name of the first. `p` tests the difference between configurations, over
        test images and replicates. Two one-sided tests show equivalence within a margin. McNemar's
        exact test compares two trained models with the same seed and fold. All are adjusted by
        Holm's procedure over all pairs.

        Args:
            margin: Largest difference of macro F1 that counts as equivalent, above 0; 0.01 is one
                point.

        Returns:
            One row per pair of models, in the order of the plan:

            - `a`, `b` (str): Names of the two configurations.
            - `replicates` (int): Number of common replicates. Without one, it is 0, and the means
              over all replicates of each are compared.
            - `difference` (float): Macro F1 of `a` minus that of `b`, -1 to 1, mean over the
              replicates.
            - `sd` (float): Standard deviation of the difference over the common replicates; NaN for
              fewer than two.
            - `low`, `high` (float): 95% confidence interval of the difference, not adjusted.
            - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and
              Holm-adjusted, 0 to 1.
            - `p_equivalence`, `p_equivalence_holm` (float): Larger p-value of the two one-sided
              tests of a difference of at least `margin`, unadjusted and Holm-adjusted, 0 to 1.
            - `decision` (str): `different` (`p_holm` < 0.05), `equivalent` (not different, and
              `p_equivalence_holm` < 0.05) or `undecided`.
            - `detectable_difference` (float): Smallest difference that becomes significant with a
              probability of 80%.
            - `replicates_needed` (float): Number of replicates with which a difference of `margin`
              is detectable; NaN if 1,000 do not suffice, or with one replicate.
            - `images_needed` (float): Number of test images with which it is; NaN if 1,000 times as
              many do not suffice.
            - `only_a_correct`, `only_b_correct` (float): Numbers of test images that only one of
              the two models classifies correctly, means over the common replicates.
            - `n_differing` (float): Number of predictions that differ, summed over these
              replicates.
            - `p_mcnemar`, `p_mcnemar_holm` (float): Largest p-value of McNemar's exact test over
              the replicates, unadjusted and Holm-adjusted, 0 to 1.
            - `significant` (bool): Whether `decision` is `different`.
            - `margin` (float): The argument `margin`.

        Examples:
            >>> study.pairs()[["a", "b", "difference", "low", "high", "decision"]].round(3)
                           a             b  difference    low  high   decision
            0  mlnn-config-2  cnn-config-2      -0.082 -0.105 -0.06  different
        """
        return self.compare(margin).pairs.copy()

    def cross_validation(self) -> pd.DataFrame:
        """Return the scores of each configuration on val, over the folds of a cross-validation.

        Returns:
            One row per configuration with a complete trial, in the order of the plan; empty for a
            study without folds:

            - `configuration` (str): Name of the configuration.
            - `replicates` (int): Number of complete trials, i.e. seeds times folds.
            - `val_macro_f1`, `val_accuracy` (float): Means over the replicates, 0 to 1. Each has
              its standard deviation (`_sd`) and the ends of its 95% confidence interval (`_low`,
              `_high`), which allows for the overlap of the training images.
            - `difference` (float): Macro F1 on val minus that of the configuration with the highest
              mean, -1 to 1, mean over their common replicates, with `difference_low` and
              `difference_high`; NaN for that configuration itself.

        Examples:
            >>> study.cross_validation().empty  # a study without folds
            True
        """
        return make_cross_validation_frame(self.loaded_study)

    def class_scores(self) -> pd.DataFrame:
        """Return the scores of each class against all others, on test.

        Returns:
            One row per configuration with a complete trial and class, in the order of the plan:

            - `configuration`, `family` (str): Name and family of the configuration.
            - `class` (int): Label of the class.
            - `class_name` (str): Name of the class.
            - `precision` (positive predictive value), `recall` (sensitivity), `f1`, `specificity`,
              `npv` (negative predictive value), `auc`, `average_precision` (float): Means over the
              replicates, 0 to 1. Each has its standard deviation over the replicates (`_sd`) and
              the ends of its 95% confidence interval over test images and replicates (`_low`,
              `_high`).
            - `support` (int): Number of test images of the class.

            A score without images in its denominator is NaN; a precision, recall or F1 is 0, with
            the interval NaN.

        Examples:
            >>> scores = study.class_scores().query("configuration == 'cnn-config-2'")
            >>> scores[["class_name", "recall", "recall_low", "recall_high"]].head(2).round(3)
               class_name  recall  recall_low  recall_high
            8    basophil   0.904       0.718        0.972
            9  eosinophil   0.986       0.839        0.999
        """
        return self._class_scores.copy()

    def calibration(self) -> pd.DataFrame:
        """Return how well the probabilities of each configuration are calibrated on test.

        All values are about the probability of the predicted class.

        Returns:
            One row per configuration with a complete trial, in the order of the plan. Without such
            a trial, the frame has no columns:

            - `configuration`, `family` (str): Name and family of the configuration.
            - `replicates` (int): Number of replicates, at least 1.
            - `ece`, `ece_sd` (float): Expected calibration error in 15 bins, 0 to 1, mean and
              standard deviation over the replicates.
            - `expected_ece` (float): Error that a perfectly calibrated classifier would show.
            - `confidence`, `accuracy` (float): Mean probability and share of correct predictions, 0
              to 1.
            - `gap` (float): `confidence` minus `accuracy`, -1 to 1, with the ends of its 95%
              confidence interval (`_low`, `_high`).
            - `p_ece`, `p_ece_holm` (float): One-sided p-value of the hypothesis that the
              classifier is calibrated, from `ece`, unadjusted and Holm-adjusted, 0 to 1.
            - `p_gap`, `p_gap_holm` (float): Two-sided p-value of `gap`, likewise.
            - `p_equivalence`, `p_equivalence_holm` (float): Larger p-value of the two one-sided
              tests of a gap of one point or more, likewise.
            - `tendency` (str): `overconfident`, `underconfident`, `miscalibrated`, `calibrated` or
              `undecided`.
            - `slope`, `intercept` (float): Calibration slope and intercept, 1 and 0 if calibrated,
              with `_sd`, `_low` and `_high`. NaN if a trial makes no mistake.

        Examples:
            >>> study.calibration()[["configuration", "ece", "slope"]].round(3)
               configuration    ece  slope
            0  mlnn-config-2  0.426  6.329
            1   cnn-config-2  0.486  6.345
        """
        return self._calibration.copy()

    def confusion(
        self, configuration: str, *, normalize: Literal["true", "predicted"] | None = None
    ) -> pd.DataFrame:
        """Return the confusion matrix of a configuration on test, summed over its replicates.

        Args:
            configuration: Name of the configuration, e.g. `cnn-config-2`.
            normalize: Class whose images each share is of: `true` for shares of each row,
                `predicted` for shares of each column. None gives numbers of images.

        Returns:
            Numbers of test images (int64) or shares (float, 0 to 1; 0 for an absent class),
            `confusion.loc[true, predicted]`, 8 x 8. Index (`true`) and columns (`predicted`) are
            class names.

        Raises:
            DataError: No configuration has this name, or none of its trials is complete.

        Examples:
            >>> confusion = study.confusion("cnn-config-2")
            >>> int(confusion.loc["monocyte", "immature granulocytes"])
            46
            >>> shares = study.confusion("cnn-config-2", normalize="true")
            >>> float(shares.loc["monocyte", "immature granulocytes"].round(3))
            0.081
        """
        require_configuration(self.name, self.configurations, configuration)
        cells = self._confusion_cells
        cells = cells[cells["configuration"] == configuration]
        if cells.empty:
            raise DataError(
                f"{self.name} has no complete trial of {configuration}", value=configuration
            )
        value = {None: "count", "true": "row_share", "predicted": "column_share"}[normalize]
        names = list(self.class_names)
        return pd.DataFrame(
            sum_confusions(cells)[value].to_numpy().reshape(len(names), len(names)),
            index=pd.Index(names, name="true"),
            columns=pd.Index(names, name="predicted"),
        )
