"""Run a search: decide which trial is next, which trials continue, and when the search ends."""

import time
from collections.abc import Callable, Sequence
from typing import cast

from bloodnets.config import TrialConfig
from bloodnets.messages import EpochReport
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import Config, PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import EndReason, StopReason
from study.configs.presets import CONFIGURATIONS
from study.configs.search_space import contains, make_baseline_configs
from study.tuning.asha import Rungs, compute_running_best

OPTUNA_FILE = "optuna.journal"
"""Name of Optuna's file in a study's folder."""


class SearchRun:
    """Proposals, rungs, best values and end of a search, all rebuilt from its ledger.

    Ray Tune queries it through the adapters in `tune_adapters`; `LedgerCallback` updates it.

    Attributes:
        ledger: Ledger of the search.
        search: Search space and settings.
        rungs: Rungs of ASHA, with the values of the trials.
        best_values: Best val macro F1 so far, 0 to 1, by id of each trial that finished an epoch.
        stop_reasons: Stop reasons, by id, of the trials that ASHA stopped and that are not in the
            ledger yet.
        end_reason: Reason why the search ended early; None if it did not (yet).
        n_remaining: Number of trials that had not ended when the search started or resumed.
        has_lost_trial: Whether Tune has given up a trial without a result. Another `SearchRun` then
            has to continue, because this one would count the trial as running.
    """

    def __init__(self, ledger: Ledger, search: SearchRecord, *, elapsed_s: float = 0) -> None:
        """Read the trials of a search from its ledger, which is empty for a new search.

        Args:
            ledger: Ledger of the search.
            search: Search space and settings.
            elapsed_s: Duration of earlier runs in seconds, which counts toward the time budget.

        Raises:
            ResourceError: Optuna's file cannot be written.
            ConflictError: The ledger cannot be read.
        """
        from study.tuning.optuna_study import OptunaStudy  # slow import, not needed by a grid

        self.ledger, self.search = ledger, search
        self.best_values: dict[str, float] = {}
        self.stop_reasons: dict[str, StopReason] = {}
        self.has_lost_trial = False
        self._deadline = time.monotonic() + (search.time_budget_s or float("inf")) - elapsed_s
        self.rungs = Rungs(search)
        self._optuna_study = OptunaStudy(ledger.folder / OPTUNA_FILE, ledger.study.name, search)
        self._baselines = make_baseline_configs(search)
        self._proposals = ledger.read_proposals()
        ended_records = self._add_earlier_trials()
        self.n_remaining = search.n_trials - len(ended_records)
        self.end_reason = find_early_end_reason(ended_records)

    @property
    def n_running(self) -> int:
        """Number of trials that were proposed and have not ended."""
        return len(self._optuna_study.running_trials)

    def propose(self, add_proposal: Callable[[PlannedTrial], None]) -> PlannedTrial:
        """Return the next trial.

        Trials that an earlier run left unfinished come first, then published configurations, then
        Optuna's proposals.

        Args:
            add_proposal: Function that adds a new proposal to the ledger.

        Raises:
            ResourceError: Optuna's file or the ledger cannot be written.
        """
        trial, config = self._optuna_study.propose()
        if trial.number < len(self._proposals):
            planned = self._proposals[trial.number]
        else:
            planned = self._make_planned_trial(trial.number, config)
            add_proposal(planned)
            self._proposals.append(planned)
        self._optuna_study.start(trial, planned.id, planned.configuration)
        return planned

    def list_unfinished_proposals(self) -> list[PlannedTrial]:
        """Return the trials that an earlier run left unfinished, proposed to Optuna again.

        Raises:
            ResourceError: Optuna's file cannot be written.
        """
        n_ended = self.search.n_trials - self.n_remaining
        n_unfinished = len(self._proposals) - n_ended
        return [self.propose(self.ledger.add_proposal) for _ in range(n_unfinished)]

    def record_start(self, trial_id: str) -> None:
        """Discard the best value of an earlier attempt at a trial."""
        self.best_values.pop(trial_id, None)

    def decide(self, trial_id: str, configuration: str, epoch: EpochReport) -> bool:
        """Return whether a trial continues after an epoch.

        Published configurations are never stopped. So the best of them is known, and the search
        finds at least its value.

        Args:
            trial_id: Id of the trial.
            configuration: Name of its configuration.
            epoch: Epoch. After a restored epoch, the trial always continues.
        """
        is_promoted = self.rungs.report(trial_id, epoch.result.epoch, epoch.best_val_macro_f1)
        if is_promoted or epoch.restored or configuration in CONFIGURATIONS:
            return True
        self.stop_reasons[trial_id] = StopReason.ASHA
        return False

    def is_over(self) -> bool:
        """Return whether the search has ended early, and check its time budget."""
        if self.end_reason is None and time.monotonic() >= self._deadline:
            self.end_reason = EndReason.TIME_BUDGET
        return self.end_reason is not None

    def record_epoch(self, trial_id: str, epoch: EpochReport) -> None:
        """Tell Optuna the best value so far, and check the target of the search.

        Args:
            trial_id: Id of the trial.
            epoch: Last epoch of the trial so far.

        Raises:
            ResourceError: Optuna's file cannot be written.
        """
        best_value = self.best_values[trial_id] = epoch.best_val_macro_f1
        target = self.search.target_macro_f1
        if self.end_reason is None and target is not None and best_value >= target:
            self.end_reason = EndReason.TARGET_MACRO_F1
        self._optuna_study.report(trial_id, epoch.result.epoch, best_value)

    def record_end(self, record: TrialRecord) -> None:
        """Tell Optuna the final state of a trial.

        Raises:
            ResourceError: Optuna's file cannot be written.
        """
        self.stop_reasons.pop(record.id, None)
        self._optuna_study.tell(record, self.best_values.get(record.id, 0.0))

    def close(self) -> None:
        """Wait until Optuna's file is written.

        Raises:
            ResourceError: It cannot be written.
        """
        self._optuna_study.close()

    def _add_earlier_trials(self) -> list[TrialRecord]:
        """Add ended trials to the rungs and Optuna, enqueue the others; return the ended ones."""
        records = []
        for planned in self._proposals:
            record, config = self.ledger.read_trial(planned), TrialConfig.from_dict(planned.config)
            if record is None:
                self._optuna_study.enqueue(config)
                continue
            epochs = self.ledger.read_epochs(planned.id)
            best_values = compute_running_best(epoch.val_macro_f1 for epoch in epochs)
            if best_values:
                self.best_values[planned.id] = best_values[-1]
            self.rungs.add_ended_trial(planned.id, best_values)
            self._optuna_study.add_ended_trial(record, config, best_values)
            records.append(record)
        for config in list(self._baselines.values())[len(self._proposals) :]:
            if contains(config, self.search):
                self._optuna_study.enqueue(config)
        return records

    def _make_planned_trial(self, number: int, config: TrialConfig) -> PlannedTrial:
        names = [name for name, baseline in self._baselines.items() if baseline == config]
        return PlannedTrial(
            id=f"trial-{number}-{config.compute_digest()}",
            configuration=names[0] if names else f"trial-{number}",
            config=cast("Config", config.to_dict()),
        )


def find_early_end_reason(ended_records: Sequence[TrialRecord]) -> EndReason | None:
    """Return the reason why a search ended early, from the stop reasons of its trials."""
    stop_reasons = {record.stop_reason.value for record in ended_records}
    early_reasons = (EndReason.TIME_BUDGET, EndReason.TARGET_MACRO_F1)
    return next((reason for reason in early_reasons if reason in stop_reasons), None)
