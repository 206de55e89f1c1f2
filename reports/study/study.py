"""Read-only access to a study in Python: its trials, predictions and comparisons as data frames.

The report and the terminal also take their numbers from here.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bloodnets.errors import DataError
from bloodnets.storage.location import parse_location
from reports.analysis import frames
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.calibration import compute_calibration
from reports.analysis.class_scores import compute_class_scores
from reports.analysis.confusion import make_confusion_frame, sum_confusions
from reports.analysis.learning_curves import LearningCurves, collect_learning_curves
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.analysis.pairwise import PairwiseComparison, compare_configurations
from reports.analysis.search_trials import SearchAnalysis, analyze_search
from reports.format.study_summary import StudySummary, format_summary_html, format_summary_text
from reports.format.text import make_data_label, shorten_class_names
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, Problem, read_study_files
from reports.ledger.lookup import find_trial, get_trial_name, require_configuration
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.states import StudyKind


def load_study(path: str | Path) -> "Study":
    """Read a study from its folder or address.

    Trials whose files are missing, unreadable or changed are left out; `Study.problems` lists them.

    Args:
        path: Folder of the study, e.g. `results/demo`, or its address, e.g.
            `s3://bucket/studies/demo`. The study may still be running.

    Returns:
        Study as it is now; load it again to see later trials.

    Raises:
        ConflictError: There is no readable study at `path`.
        DataError: `path` is an address that bloodstudy does not support.
        ResourceError: The address does not respond.

    Examples:
        >>> from reports import load_study
        >>> study = load_study("results/demo")
        >>> study
        Study 'demo': grid, official BloodMNIST
          trials: 4 (4 complete)
          configurations: mlnn-config-2, cnn-config-2
    """
    location = path if isinstance(path, Path) else parse_location(path)
    if isinstance(location, Path):
        location = location.expanduser()
    return Study(read_study_files(Ledger(location)))


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Results of a grid or a search, read by `load_study`.

    Results are computed on first access and then kept. The frames of `trials`, `search_trials` and
    all methods are copies: changing one changes neither the study nor its files.

    For a search, everything except `search_trials` and `search_curves` is about the re-trained
    configurations. The trials of the search ended at different epochs and were not evaluated on
    test, so they cannot be compared fairly.

    Attributes:
        loaded_study: Records and test predictions of the study, as typed objects.
    """

    loaded_study: LoadedStudy

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.loaded_study.study.name

    @property
    def kind(self) -> StudyKind:
        """Kind of the study: `grid` or `search`."""
        return self.loaded_study.study.kind

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the eight classes, in the order of the labels, without notes in parentheses."""
        return shorten_class_names(self.loaded_study.study.data.class_names)

    @property
    def configurations(self) -> tuple[str, ...]:
        """Names of the configurations that are compared, in the order of the plan.

        For a search, these are the re-trained ones; there are none before it ends.
        """
        return tuple(dict.fromkeys(t.configuration for t in self.loaded_study.study.trials))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Trials that were left out because of their files, each with `trial_id` and `reason`."""
        return self.loaded_study.problems

    @property
    def trials(self) -> pd.DataFrame:
        """Planned trials, one row each, in the order of the plan, including unfinished ones.

        A value that a trial does not have is NaN or None. The columns are:

        - `id`, `trial`, `configuration` (str): Id and short name of the trial, and name of its
          configuration.
        - Every setting of the trial, e.g. `family`, `learning_rate` and `seed`; see
          `reports.ledger.planned_trial.Config`.
        - `state` (str): `complete`, `failed`, `missing` (not ended) or `unreadable`.
        - `stop_reason`, `error` (str): Reason why the trial ended, and error message.
        - `epochs`, `best_epoch` (float): Number of epochs, and the epoch with the highest val
          macro F1, from 1.
        - `duration_s` (float): Duration in seconds.
        - `device`, `host` (str): Device and host that trained it.
        - `parameters`, `operations` (float): Number of trainable parameters, and floating-point
          operations of one image's forward pass.
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
        return _insert_trial_names(self._trials)

    def predictions(self, trial: str) -> pd.DataFrame:
        """Return a trial's predictions on test, made with the weights of its best epoch.

        Args:
            trial: Short name or id of a complete trial, e.g. `cnn-config-2-s0`.

        Returns:
            One row per test image, in the order of the test split; the index is named `image`:

            - `true`, `predicted` (int64): Labels of the classes, 0 to 7.
            - `true_class`, `predicted_class` (category): Names of the classes.
            - `probability_0` to `probability_7` (float32): Probabilities of the classes, 0 to 1;
              each row sums to 1.

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

    def comparison(self) -> pd.DataFrame:
        """Return the scores of each configuration on test, with their uncertainty.

        Returns:
            One row per configuration, in the order of the plan:

            - `configuration` (str): Name of the configuration.
            - `family`, `loss`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float):
              Settings; `momentum` is NaN for Adam.
            - `seeds_planned`, `seeds` (int): Numbers of planned trials and of complete trials that
              were evaluated on test.
            - `failed`, `missing`, `unreadable` (int): Numbers of planned trials in that state.
            - `val_accuracy`, `val_macro_f1`, `val_weighted_f1`, `val_macro_precision`,
              `val_macro_recall`, `val_auc` (float): Means over the complete trials, 0 to 1, each
              with its standard deviation (`_sd`). They are from the epoch with the highest val
              macro F1, so they are too high on average.
            - `test_accuracy`, `test_macro_f1`, `test_weighted_f1`, `test_macro_precision`,
              `test_macro_recall`, `test_auc`, `test_balanced_accuracy` (float, 0 to 1), `test_mcc`,
              `test_kappa` (float, -1 to 1), `test_brier` (float, 0 to 2, lower is better) and
              `test_log_loss` (float, nats, lower is better): Means over the seeds. Each has its
              standard deviation over the seeds (`_sd`) and the ends of its 95% confidence interval
              over test images and seeds (`_low`, `_high`).
            - `val_macro_f1` (float): Mean macro F1 on val at the best epochs, 0 to 1, with `_sd`.
            - `best_epoch`, `epochs` (float, epochs), `duration_s` (float, seconds) and
              `images_per_s` (float): Means over the complete trials, each with `_sd`.
            - `parameters`, `operations` (float): Number of trainable parameters, and
              floating-point operations of one image's forward pass.
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
        test images and seeds. Two one-sided tests show equivalence within a margin. McNemar's exact
        test compares two trained models with the same seed. All are adjusted by Holm's procedure
        over all pairs.

        Args:
            margin: Largest difference of macro F1 that counts as equivalent, above 0; 0.01 is one
                point.

        Returns:
            One row per pair of models, in the order of the plan:

            - `a`, `b` (str): Names of the two configurations.
            - `seeds` (int): Number of common seeds. Without one, it is 0, and the means over all
              seeds of each are compared.
            - `difference` (float): Macro F1 of `a` minus that of `b`, -1 to 1, mean over the seeds.
            - `sd` (float): Standard deviation of the difference over the common seeds; NaN for
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
            - `seeds_needed` (float): Number of seeds with which a difference of `margin` is
              detectable; NaN if 1,000 do not suffice, or with one seed.
            - `images_needed` (float): Number of test images with which it is; NaN if 1,000 times as
              many do not suffice.
            - `only_a_correct`, `only_b_correct` (float): Numbers of test images that only one of
              the two models classifies correctly, means over the common seeds.
            - `n_differing` (float): Number of predictions that differ, summed over these seeds.
            - `p_mcnemar`, `p_mcnemar_holm` (float): Largest p-value of McNemar's exact test over
              the seeds, unadjusted and Holm-adjusted, 0 to 1.
            - `significant` (bool): Whether `decision` is `different`.
            - `margin` (float): The argument `margin`.

        Examples:
            >>> study.pairs()[["a", "b", "difference", "low", "high", "decision"]].round(3)
                           a             b  difference    low  high   decision
            0  mlnn-config-2  cnn-config-2      -0.082 -0.105 -0.06  different
        """
        return self.compare(margin).pairs.copy()

    def class_scores(self) -> pd.DataFrame:
        """Return the scores of each class against all others, on test.

        Returns:
            One row per configuration with a complete trial and class, in the order of the plan:

            - `configuration`, `family` (str): Name and family of the configuration.
            - `class` (int): Label of the class, 0 to 7.
            - `class_name` (str): Name of the class.
            - `precision` (positive predictive value), `recall` (sensitivity), `f1`, `specificity`,
              `npv` (negative predictive value), `auc`, `average_precision` (float): Means over the
              seeds, 0 to 1. Each has its standard deviation over the seeds (`_sd`) and the ends of
              its 95% confidence interval over test images and seeds (`_low`, `_high`).
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
            - `seeds` (int): Number of seeds, at least 1.
            - `ece`, `ece_sd` (float): Expected calibration error in 15 bins, 0 to 1, mean and
              standard deviation over the seeds.
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
        """Return the confusion matrix of a configuration on test, summed over its seeds.

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

    def learning_curves(self) -> pd.DataFrame:
        """Return the losses and val scores of every complete trial after each epoch.

        Returns:
            One row per trial and epoch:

            - `id`, `trial`, `configuration` (str): Id and short name of the trial, and name of its
              configuration.
            - `family`, `loss`, `optimizer` (str), `seed` (int): Settings of the trial.
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
        return _insert_trial_names(self.curves.epochs)

    @property
    def search_trials(self) -> pd.DataFrame:
        """Trials that a search proposed, one row each, in the order of their number.

        The columns are:

        - `number` (int): Number of the trial, from 0.
        - `id`, `trial`, `configuration` (str): Id and short name of the trial, and name of its
          configuration.
        - `is_baseline` (bool): Whether it is a baseline instead of a sampled configuration.
        - `family`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float): Settings;
          `momentum` is NaN for Adam.
        - `weight_decay`, `label_smoothing` (float), `width` (int, channels): Further settings, only
          for residual networks.
        - `state` (str): `complete`, `pruned` (by ASHA), `diverged`, `failed`, `cut short` (by the
          end of the search), `unreadable`, or `running` (not ended).
        - `error` (str): Error message; None without one.
        - `epochs`, `best_epoch` (float): Number of epochs, and the epoch with the highest val macro
          F1, from 1.
        - `duration_s` (float): Duration in seconds.
        - `value` (float): Best val macro F1 of the trial, 0 to 1; NaN if it failed or diverged.
        - `best_so_far` (float): Highest `value` up to this row, 0 to 1.

        Raises:
            DataError: The study is a grid.
        """
        return _insert_trial_names(self._require_search().trials)

    def search_curves(self) -> pd.DataFrame:
        """Return the val macro F1 of the search's trials after each epoch.

        Returns:
            One row per epoch of every trial that ended:

            - `number` (int): Number of the trial, from 0.
            - `epoch` (int): Number of the epoch, from 1.
            - `val_macro_f1` (float): Macro F1 on val after the epoch, 0 to 1.
            - `best_so_far` (float): Highest of the trial up to this epoch, 0 to 1.

        Raises:
            DataError: The study is a grid.
        """
        return self._require_search().curves.copy()

    def confirmation(self) -> pd.DataFrame:
        """Return the scores of a search's best configurations after re-training with new seeds.

        Returns:
            One row per re-trained configuration, the best of the search first; empty if none is
            planned:

            - `configuration` (str): Name of the configuration.
            - `role` (str): `best` or `baseline`.
            - `is_baseline` (bool) and the settings: As in `search_trials`.
            - `value` (float): Best val macro F1 in the search, 0 to 1; NaN if it did not run there.
            - `seeds` (int): Number of complete re-trained trials.
            - `val_macro_f1`, `test_macro_f1` (float): Means over these trials, 0 to 1, with their
              standard deviations `val_macro_f1_sd` and `test_macro_f1_sd`.
            - `shrinkage` (float): `value` minus `val_macro_f1`, -1 to 1, with the ends of its 95%
              confidence interval over the new seeds, `shrinkage_low` and `shrinkage_high`.

        Raises:
            DataError: The study is a grid.
        """
        return self._require_search().confirmed.copy()

    @cached_property
    def bootstrap(self) -> BootstrapScores:
        """Test scores of the trials, and the same on bootstrap resamples of the test images."""
        return bootstrap_scores(self.loaded_study.predictions)

    def __repr__(self) -> str:
        return format_summary_text(self._summary)

    def _repr_html_(self) -> str:
        return format_summary_html(self._summary, self._comparison)

    @cached_property
    def pairwise(self) -> PairwiseComparison:
        """Pairwise comparisons, and groups of configurations that do not differ significantly."""
        return self.compare(DEFAULT_MARGIN)

    def compare(self, margin: float) -> PairwiseComparison:
        """Compare all pairs of models.

        Args:
            margin: Largest difference of macro F1 that counts as equivalent, above 0.
        """
        return compare_configurations(self.loaded_study.predictions, self.bootstrap, margin=margin)

    @cached_property
    def curves(self) -> LearningCurves:
        """Learning curves of the complete trials, and their means over seeds."""
        return collect_learning_curves(self.loaded_study)

    @cached_property
    def search(self) -> SearchAnalysis | None:
        """Trials, curves and re-training of a search; None for a grid."""
        return analyze_search(self.loaded_study)

    @cached_property
    def _trials(self) -> pd.DataFrame:
        return frames.make_trials_frame(self.loaded_study)

    @cached_property
    def _comparison(self) -> pd.DataFrame:
        return frames.make_comparison_frame(self.loaded_study, self.bootstrap)

    @cached_property
    def _calibration(self) -> pd.DataFrame:
        predictions = self.loaded_study.predictions
        return (
            compute_calibration(predictions).errors if len(predictions.trials) else pd.DataFrame()
        )

    @cached_property
    def _class_scores(self) -> pd.DataFrame:
        frame = compute_class_scores(self.loaded_study.predictions)
        class_names = [self.class_names[c] for c in frame["class"]]
        frame.insert(list(frame.columns).index("class") + 1, "class_name", class_names)
        return frame

    @cached_property
    def _confusion_cells(self) -> pd.DataFrame:
        return make_confusion_frame(self.loaded_study.predictions)

    def _require_search(self) -> SearchAnalysis:
        if self.search is None:
            raise DataError(f"{self.name} is a grid, so it has no search", value=self.name)
        return self.search

    @property
    def _summary(self) -> StudySummary:
        return StudySummary(
            name=self.name,
            kind=self.kind,
            data=make_data_label(self.loaded_study.study.data),
            search_states=None if self.search is None else Counter(self.search.trials["state"]),
            trial_states=Counter(self._trials["state"]),
            configurations=self.configurations,
            n_problems=len(self.problems),
        )

    def _make_untested_error(self, planned: PlannedTrial) -> DataError:
        name = get_trial_name(planned.id)
        if planned in self.loaded_study.study.trials:
            (state,) = self._trials.loc[self._trials["id"] == planned.id, "state"]
            reason = f"is {state}, so it has no predictions"
        else:
            reason = "is a trial of the search, which was not evaluated on test"
        return DataError(f"{name} {reason}", value=name, remedy="choose a complete trial")


def _insert_trial_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of a frame with a column `trial` after `id`."""
    names = [get_trial_name(str(trial_id)) for trial_id in frame["id"]]
    frame = frame.copy()
    frame.insert(list(frame.columns).index("id") + 1, "trial", names)
    return frame
