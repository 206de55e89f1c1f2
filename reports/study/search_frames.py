"""Return the results of a search as data frames."""

import pandas as pd

from bloodnets.errors import DataError
from reports.analysis.search_trials import SearchAnalysis
from reports.study.results import StudyResults, insert_trial_names


class SearchFrames(StudyResults):
    """Frames about a search: its trials, their curves, and the re-trained configurations."""

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
        return insert_trial_names(self._require_search().trials)

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
            - `replicates` (int): Number of complete re-trained trials.
            - `val_macro_f1`, `test_macro_f1` (float): Means over these trials, 0 to 1, with their
              standard deviations `val_macro_f1_sd` and `test_macro_f1_sd`.
            - `shrinkage` (float): `value` minus `val_macro_f1`, -1 to 1, with the ends of its 95%
              confidence interval over the new seeds, `shrinkage_low` and `shrinkage_high`.

        Raises:
            DataError: The study is a grid.
        """
        return self._require_search().confirmed.copy()

    def _require_search(self) -> SearchAnalysis:
        if self.search is None:
            raise DataError(f"{self.name} is a grid, so it has no search", value=self.name)
        return self.search
