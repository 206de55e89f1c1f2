"""Compute the results of a study on first access, and keep them.

The report and the terminal also take their numbers from here.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports.analysis import frames
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.calibration import compute_calibration
from reports.analysis.class_scores import compute_class_scores
from reports.analysis.confusion import make_confusion_frame
from reports.analysis.learning_curves import LearningCurves, collect_learning_curves
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.analysis.pairwise import PairwiseComparison, compare_configurations
from reports.analysis.search_trials import SearchAnalysis, analyze_search
from reports.format.text import shorten_class_names
from reports.ledger.loading import LoadedStudy, Problem
from reports.ledger.lookup import get_trial_name
from reports.ledger.states import StudyKind


@dataclass(frozen=True, eq=False, repr=False)
class StudyResults:
    """Results of a study, each computed on first access.

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
        """Names of the classes, in the order of the labels, without notes in parentheses."""
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

    @cached_property
    def bootstrap(self) -> BootstrapScores:
        """Test scores of the trials, and the same on bootstrap resamples of the test images."""
        return bootstrap_scores(self.loaded_study.predictions)

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
        """Learning curves of the complete trials, and their means over replicates."""
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


def insert_trial_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of a frame with a column `trial` after `id`."""
    names = [get_trial_name(str(trial_id)) for trial_id in frame["id"]]
    frame = frame.copy()
    frame.insert(list(frame.columns).index("id") + 1, "trial", names)
    return frame
