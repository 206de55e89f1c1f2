"""Read-only access to a study in Python: its trials, predictions and comparisons as data frames."""

from collections import Counter
from pathlib import Path

from bloodnets.storage.location import parse_location
from reports.format.study_summary import StudySummary, format_summary_html, format_summary_text
from reports.format.text import make_data_label
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.study.comparison_frames import ComparisonFrames
from reports.study.search_frames import SearchFrames
from reports.study.trial_frames import TrialFrames


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


class Study(TrialFrames, ComparisonFrames, SearchFrames):
    """Results of a grid or a search, read by `load_study`.

    Results are computed on first access and then kept. The frames of `trials`, `search_trials` and
    all methods are copies: changing one changes neither the study nor its files.

    For a search, everything except `search_trials` and `search_curves` is about the re-trained
    configurations. The trials of the search ended at different epochs and were not evaluated on
    test, so they cannot be compared fairly.

    Attributes:
        loaded_study: Records and test predictions of the study, as typed objects.
    """

    def __repr__(self) -> str:
        return format_summary_text(self._summary)

    def _repr_html_(self) -> str:
        return format_summary_html(self._summary, self._comparison)

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
