"""A study in Python: its trials, predictions and comparisons as data frames, read-only.

The report and the terminal take their numbers from here, too.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bloodnets.errors import DataError
from bloodnets.storage.location import parse_location
from reports.analysis import frames
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.confusion import make_confusion_frame
from reports.analysis.learning_curves import LearningCurves, collect_learning_curves
from reports.analysis.pairwise import PairwiseComparison, compare_pairs, group_configurations
from reports.analysis.search_trials import SearchAnalysis, analyze_search
from reports.format.study_summary import StudySummary, format_summary_html, format_summary_text
from reports.format.text import make_data_label, shorten_class_names
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, Problem, read_study_files
from reports.ledger.lookup import find_trial, get_trial_name, require_configuration
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.states import StudyKind


def load_study(path: str | Path) -> "Study":
    """Read a study, leaving out the trials whose files cannot be relied on.

    Args:
        path: Folder of the study, e.g. `results/demo`, or its address, e.g.
            `s3://bucket/studies/demo`. The study may still be running.

    Returns:
        The study as it is now; load it again to see later trials.

    Raises:
        ConflictError: There is no readable study at `path`.
        DataError: `path` is not an address that bloodstudy understands.
        ResourceError: The address does not answer.

    Example:
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
    """A grid or a search, as `load_study` read it.

    Results are computed when they are first asked for, and kept. Every frame is a copy: changing
    it changes neither the study nor its files.

    For a search, everything outside `search_trials` and `search_curves` is about the re-trained
    configurations. Trials of the search itself ended at different epochs and were not evaluated
    on test, so they cannot be compared fairly.

    Attributes:
        loaded_study: Records of the study, as typed objects.
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
        """Names of the classes, in the order of the labels, without notes in parentheses."""
        return shorten_class_names(self.loaded_study.study.data.class_names)

    @property
    def configurations(self) -> tuple[str, ...]:
        """Names of the configurations that are compared, in the order of the plan."""
        return tuple(dict.fromkeys(t.configuration for t in self.loaded_study.study.trials))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Trials that were left out because of their files, each with the reason."""
        return self.loaded_study.problems

    @property
    def trials(self) -> pd.DataFrame:
        """Planned trials, one row each, whether or not they ended.

        Columns: `id`; `trial`, the short name; `configuration`; every setting, e.g. `seed`;
        `state` (`complete`, `failed`, `missing` or `unreadable`); `stop_reason`; `error`;
        `epochs`; `best_epoch`; `duration_s`; and the scores on val and test, e.g.
        `test_macro_f1`, 0 to 1.

        Example:
            >>> study.trials[["trial", "state", "best_epoch", "test_macro_f1"]].round(3)
                          trial     state  best_epoch  test_macro_f1
            0  mlnn-config-2-s0  complete        20.0          0.861
            1  mlnn-config-2-s1  complete        23.0          0.854
            2   cnn-config-2-s0  complete        20.0          0.943
            3   cnn-config-2-s1  complete        23.0          0.937
        """
        return _insert_trial_names(self._trials)

    def predictions(self, trial: str) -> pd.DataFrame:
        """Return a trial's predictions on test, by the weights of its best epoch.

        Args:
            trial: Short name or id of a complete trial, e.g. `cnn-config-2-s0`.

        Returns:
            One row per test image, in the order of the test split: `true` and `predicted`, labels
            as int64; `true_class` and `predicted_class`, names as categories; `probability_0`,
            `probability_1`, …, one float32 column per class. Each row of these sums to 1.

        Raises:
            DataError: No trial has this name, or the trial was not evaluated on test.

        Example:
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
            One row per configuration: its settings; `seeds`, the number of complete trials; the
            mean of each score over these seeds, e.g. `test_macro_f1`, its standard deviation
            (`_sd`), and its 95 % interval over test images and seeds (`_low`, `_high`); means of
            `epochs`, `best_epoch` and `duration_s`; `parameters`. For a grid on real cells, also
            the `published_` scores.

        Example:
            >>> columns = ["configuration", "test_macro_f1", "test_macro_f1_low"]
            >>> study.comparison()[columns].round(3)
               configuration  test_macro_f1  test_macro_f1_low
            0  mlnn-config-2          0.858              0.843
            1   cnn-config-2          0.940              0.928
        """
        return self._comparison.copy()

    def pairs(self) -> pd.DataFrame:
        """Return the difference in macro F1 between every two configurations, with tests.

        Returns:
            One row per pair: `a`, `b`; `seeds` that both have; `difference` (a - b) with `sd` and
            95 % interval (`low`, `high`); `p` and, adjusted by Holm over all pairs, `p_holm`;
            `significant`, whether `p_holm` < 0.05; and McNemar's exact test on single models.

        Example:
            >>> study.pairs()[["a", "b", "difference", "low", "high", "significant"]].round(3)
                           a             b  difference    low   high  significant
            0  mlnn-config-2  cnn-config-2      -0.082 -0.098 -0.067         True
        """
        return self.pairwise.pairs.copy()

    def confusion(self, configuration: str) -> pd.DataFrame:
        """Return the confusion matrix of a configuration on test, summed over its seeds.

        Args:
            configuration: Name of the configuration, e.g. `cnn-config-2`.

        Returns:
            Numbers of images, `confusion.loc[true, predicted]`, by class names.

        Raises:
            DataError: No configuration has this name, or none of its trials is complete.

        Example:
            >>> confusion = study.confusion("cnn-config-2")
            >>> int(confusion.loc["monocyte", "immature granulocytes"])
            46
        """
        require_configuration(self.name, self.configurations, configuration)
        cells = self._confusion_cells
        cells = cells[cells["configuration"] == configuration]
        if cells.empty:
            raise DataError(
                f"{self.name} has no complete trial of {configuration}", value=configuration
            )
        names = list(self.class_names)
        matrix = np.zeros((len(names), len(names)), dtype=np.int64)
        np.add.at(matrix, (cells["true"], cells["predicted"]), cells["count"])
        return pd.DataFrame(
            matrix,
            index=pd.Index(names, name="true"),
            columns=pd.Index(names, name="predicted"),
        )

    def learning_curves(self) -> pd.DataFrame:
        """Return what every complete trial reported after each epoch.

        Returns:
            One row per epoch: `id`, `trial`, `configuration`, `family`, `loss`, `optimizer`,
            `seed`; `epoch`, from 1; `train_loss` and `val_loss` in nats; `val_accuracy` and
            `val_macro_f1`, 0 to 1; `best_epoch` of the trial.

        Example:
            >>> study.learning_curves()[["trial", "epoch", "val_macro_f1"]].tail(2).round(3)
                           trial  epoch  val_macro_f1
            124  cnn-config-2-s1     32         0.939
            125  cnn-config-2-s1     33         0.940
        """
        return _insert_trial_names(self.curves.epochs)

    @property
    def search_trials(self) -> pd.DataFrame:
        """Trials that a search proposed, one row each, in their order.

        Columns: `number`, from 0; `id`; `trial`, the short name; `configuration`; `is_baseline`;
        the settings that were searched; `state` (e.g. `complete`, `pruned`, `diverged`);
        `error`; `epochs`; `best_epoch`; `duration_s`; `value`, the best val macro F1; and
        `best_so_far`.

        Raises:
            DataError: The study is a grid.
        """
        return _insert_trial_names(self._require_search().trials)

    def search_curves(self) -> pd.DataFrame:
        """Return the val macro F1 of the search's trials after each epoch.

        Returns:
            One row per epoch: `number` of the trial, `epoch`, `val_macro_f1`, `best_so_far`.

        Raises:
            DataError: The study is a grid.
        """
        return self._require_search().curves.copy()

    def confirmation(self) -> pd.DataFrame:
        """Return what re-training with new seeds confirmed of a search's best configurations.

        Returns:
            One row per re-trained configuration: `role` (`best` or `baseline`), its settings,
            `value` in the search, the confirmed `val_macro_f1` and `test_macro_f1` with their
            `_sd`, `shrinkage` (`value` - `val_macro_f1`), and `seeds`. Empty before the
            confirmation.

        Raises:
            DataError: The study is a grid.
        """
        return self._require_search().confirmed.copy()

    @cached_property
    def bootstrap(self) -> BootstrapScores:
        """Scores of the trials on resamples of the test images; intervals follow from these."""
        return bootstrap_scores(self.loaded_study.predictions)

    def __repr__(self) -> str:
        return format_summary_text(self._summary)

    def _repr_html_(self) -> str:
        return format_summary_html(self._summary, self._comparison)

    @cached_property
    def pairwise(self) -> PairwiseComparison:
        """Pairs of configurations, and the groups of which no two differ significantly."""
        pairs = compare_pairs(self.loaded_study.predictions, self.bootstrap)
        return group_configurations(self._comparison, pairs)

    @cached_property
    def curves(self) -> LearningCurves:
        """Learning curves of the complete trials, and their means over seeds."""
        return collect_learning_curves(self.loaded_study)

    @cached_property
    def search(self) -> SearchAnalysis | None:
        """What a search found; None for a grid."""
        return analyze_search(self.loaded_study)

    @cached_property
    def _trials(self) -> pd.DataFrame:
        return frames.make_trials_frame(self.loaded_study)

    @cached_property
    def _comparison(self) -> pd.DataFrame:
        return frames.make_comparison_frame(self.loaded_study, self.bootstrap)

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
