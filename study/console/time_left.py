"""Estimate the time left of a whole study from the epochs done so far.

The epochs that a trial still needs are estimated from the trials that have ended, and the seconds
per epoch from the epochs of the same network. Both are bounded by what is certain: a trial runs
until early stopping or ASHA can end it, and at most `max_epochs` epochs. So at a constant speed the
estimate falls, and a trial that improves for longer than others raises it by these epochs only.
"""

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from reports.ledger.progress import ProgressState, TrialProgress

NETWORK_SETTINGS = ("family", "width", "batch_size", "precision")
"""Settings that determine the time of a training step; the others matter little. `orientations`,
which files may lack, determines the time of an evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Trials that compete for the same resources; a stage starts when the one before has ended.

    Attributes:
        trials: Trials that are planned so far.
        n_unplanned: Number of trials that will be planned later.
        max_epochs: Maximum number of epochs of these.
        rungs: Epochs at which ASHA can stop a trial; empty without ASHA.
        limit_s: Seconds after which the stage ends in any case.
    """

    trials: Sequence[TrialProgress]
    n_unplanned: int = 0
    max_epochs: int = 0
    rungs: Sequence[int] = ()
    limit_s: float = float("inf")


def get_network(config: Mapping[str, object]) -> Hashable:
    """Return the settings of a trial that determine the time of its epochs.

    Args:
        config: `TrialConfig` of the trial, as a dict.
    """
    return (*(config[key] for key in NETWORK_SETTINGS), config.get("orientations", False))


class Pace:
    """Seconds per epoch of each network, from the epochs of all trials so far.

    A median is used, because the first epoch in a process is slower than the others.

    Attributes:
        epoch_s: Seconds per epoch of any network; None before the first epoch.
    """

    def __init__(self, trials: Iterable[TrialProgress]) -> None:
        durations_s: dict[Hashable, list[float]] = {}
        for trial in trials:
            network = get_network(trial.planned.config)
            durations_s.setdefault(network, []).extend(epoch.duration_s for epoch in trial.epochs)
        self._by_network = {key: median(values) for key, values in durations_s.items() if values}
        all_durations_s = [value for values in durations_s.values() for value in values]
        self.epoch_s = median(all_durations_s) if all_durations_s else None

    def get_epoch_s(self, trial: TrialProgress) -> float | None:
        """Return the seconds per epoch of a trial: its own, else those of similar trials."""
        if trial.epochs:
            return median(epoch.duration_s for epoch in trial.epochs)
        return self._by_network.get(get_network(trial.planned.config), self.epoch_s)


class StageEstimate:
    """Estimates of the time that a stage and its trials still take."""

    def __init__(self, stage: Stage, pace: Pace) -> None:
        self._stage, self._pace = stage, pace
        ended = [
            trial
            for trial in stage.trials
            if trial.state in (ProgressState.COMPLETE, ProgressState.PRUNED)
        ]
        self._usual_epochs = fmean(len(trial.epochs) for trial in ended) if ended else None
        epochs_by_network: dict[Hashable, list[int]] = {}
        for trial in ended if not stage.rungs else ():  # ASHA compares trials of all networks
            network = get_network(trial.planned.config)
            epochs_by_network.setdefault(network, []).append(len(trial.epochs))
        self._usual_by_network = {key: fmean(counts) for key, counts in epochs_by_network.items()}

    def compute_trial_s(self, trial: TrialProgress) -> float | None:
        """Return the seconds until a trial ends; None if it has ended or there is no basis."""
        epoch_s = self._pace.get_epoch_s(trial)
        if trial.state.has_ended or epoch_s is None:
            return None
        config = trial.planned.config
        usual_epochs = self._usual_by_network.get(get_network(config), self._usual_epochs)
        expected_epochs = min(config["max_epochs"], usual_epochs or config["max_epochs"])
        earliest_end = _find_earliest_end(trial, self._stage.rungs)
        n_left = max(expected_epochs, earliest_end) - len(trial.epochs)
        return max(0.0, n_left * epoch_s - min(trial.since_epoch_s, epoch_s))

    def compute_total_s(self, n_slots: int) -> float:
        """Return the seconds until the last of some slots is free, which waiting trials fill."""
        durations_s: dict[ProgressState, list[float]] = {
            ProgressState.RUNNING: [],
            ProgressState.WAITING: [],
        }
        for trial in self._stage.trials:
            if not trial.state.has_ended:
                durations_s[trial.state].append(self.compute_trial_s(trial) or 0.0)
        unplanned_s = (self._usual_epochs or self._stage.max_epochs) * (self._pace.epoch_s or 0.0)
        waiting_s = durations_s[ProgressState.WAITING] + [unplanned_s] * self._stage.n_unplanned
        slots_s = durations_s[ProgressState.RUNNING]
        slots_s += [0.0] * max(1 - len(slots_s), n_slots - len(slots_s))
        heapq.heapify(slots_s)
        for duration_s in sorted(waiting_s, reverse=True):  # long trials start first
            heapq.heapreplace(slots_s, slots_s[0] + duration_s)
        return min(max(slots_s), self._stage.limit_s)


def _find_earliest_end(trial: TrialProgress, rungs: Sequence[int]) -> int:
    """Return the epoch after which early stopping or ASHA can end a trial at the earliest."""
    n_epochs, config, best_epoch = len(trial.epochs), trial.planned.config, trial.best_epoch
    patience_end = (best_epoch.epoch if best_epoch else 0) + config["patience"]
    next_rung = next((rung for rung in rungs if rung > n_epochs), config["max_epochs"])
    return min(config["max_epochs"], patience_end, next_rung)


def estimate_time_left_s(stages: Sequence[Stage], *, n_slots: int) -> float | None:
    """Return the seconds until the last stage ends; None before the first epoch.

    Args:
        stages: Stages in order.
        n_slots: Number of trials that run at the same time, at least 1.
    """
    pace = Pace(trial for stage in stages for trial in stage.trials)
    if pace.epoch_s is None:
        return None
    return sum(StageEstimate(stage, pace).compute_total_s(n_slots) for stage in stages)
