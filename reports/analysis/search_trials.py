"""Convert the trials of a search to data frames: values, curves, rungs and the confirmation.

The value of a trial is its best val macro F1 over the epochs that it ran, 0 to 1. A stopped trial
might have reached more with full training. A trial that failed or diverged has no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from reports.ledger.loading import LoadedSearch, LoadedStudy, Problem
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.ledger.states import StopReason, TrialState

SEARCH_PARAMETERS = ("family", "optimizer", "learning_rate", "momentum", "dropout")
RESNET_PARAMETERS = ("weight_decay", "label_smoothing", "width")


class SearchTrialState(StrEnum):
    """State of a trial of a search.

    Attributes:
        COMPLETE: It ran all epochs.
        PRUNED: ASHA stopped it.
        DIVERGED: Its loss became infinite or NaN.
        FAILED: An error ended it.
        CUT_SHORT: The end of the search stopped it.
        UNREADABLE: Its files are missing, unreadable or changed.
        RUNNING: It has not ended, or was interrupted.
    """

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    FAILED = "failed"
    CUT_SHORT = "cut short"
    UNREADABLE = "unreadable"
    RUNNING = "running"


_STATE_BY_STOP_REASON = {
    StopReason.MAX_EPOCHS: SearchTrialState.COMPLETE,
    StopReason.ASHA: SearchTrialState.PRUNED,
    StopReason.DIVERGED: SearchTrialState.DIVERGED,
    StopReason.ERROR: SearchTrialState.FAILED,
}

_FLOAT_COLUMNS = (
    "learning_rate",
    "momentum",
    "dropout",
    "epochs",
    "best_epoch",
    "duration_s",
    "value",
)


_SHRINKAGE_COLUMNS = ("shrinkage", "shrinkage_low", "shrinkage_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnalysis:
    """Results of a search.

    Attributes:
        record: Search space and settings.
        confirmation: End of the search; None if it has not ended.
        trials: A row for each proposal, in their order:

            - `number` (int): Number of the proposal, from 0.
            - `id`, `configuration` (str): Identity of the trial and name of its configuration.
            - `is_baseline` (bool): Whether it was proposed before the sampler's own trials.
            - `family`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float):
              Settings; `momentum` is NaN for Adam.
            - `weight_decay`, `label_smoothing` (float), `width` (int, channels): Settings, only
              for a search of residual networks.
            - `state` (str): A `SearchTrialState`.
            - `error` (str): Error of the trial, or why it is unreadable; None otherwise.
            - `epochs`, `best_epoch` (float): Number of epochs, and the best epoch, from 1; NaN like
              the next two columns for a trial that has not ended.
            - `duration_s` (float): Duration of the trial in seconds.
            - `value` (float): Best macro F1 on val, 0 to 1; also NaN for a trial that failed or
              diverged.
            - `best_so_far` (float): Highest `value` up to this row, NaN before the first.
        curves: A row for each epoch of every trial that ended:

            - `number` (int): Number of the proposal, from 0.
            - `epoch` (int): Epoch, from 1.
            - `val_macro_f1` (float): Macro F1 on val after the epoch, 0 to 1.
            - `best_so_far` (float): Highest of the trial so far, which ASHA compares, 0 to 1.
        confirmed: A row for each re-trained configuration, the best of the search first; empty if
            none is planned:

            - `configuration` (str), `is_baseline` (bool) and the settings: As in `trials`.
            - `role` (str): "best" or "baseline".
            - `value` (float): Value in the search, 0 to 1; NaN if it did not run there.
            - `replicates` (int): Number of complete trials of the confirmation.
            - `val_macro_f1`, `test_macro_f1` (float): Means over these trials, 0 to 1, with
              their standard deviations `val_macro_f1_sd` and `test_macro_f1_sd`.
            - `shrinkage` (float): `value` minus `val_macro_f1`, with the ends of its 95%
              confidence interval over the new seeds, `shrinkage_low` and `shrinkage_high`; NaN for
              one seed.
    """

    record: SearchRecord
    confirmation: Confirmation | None
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmed: pd.DataFrame


def analyze_search(loaded_study: LoadedStudy) -> SearchAnalysis | None:
    """Return the results of a search; None for a grid."""
    search = loaded_study.search
    if search is None:
        return None
    return SearchAnalysis(
        record=search.record,
        confirmation=search.confirmation,
        trials=make_search_trials_frame(search, loaded_study.problems),
        curves=make_search_curves_frame(search),
        confirmed=make_confirmation_frame(loaded_study),
    )


def get_trial_state(record: TrialRecord) -> SearchTrialState:
    """Return the state of a search's trial that ended."""
    return _STATE_BY_STOP_REASON.get(record.stop_reason, SearchTrialState.CUT_SHORT)


def make_search_trials_frame(
    search: LoadedSearch, problems: Sequence[Problem] = ()
) -> pd.DataFrame:
    """Return every proposal, with the columns of `SearchAnalysis.trials`.

    Args:
        search: Files of the search.
        problems: Trials that were left out because of their files.
    """
    reason_by_trial = {problem.trial_id: problem.reason for problem in problems}
    rows = [
        _make_trial_row(number, planned, search, reason_by_trial.get(planned.id))
        for number, planned in enumerate(search.proposals)
    ]
    parameter_names = list_search_parameters(search.record)
    columns = ["number", "id", "configuration", "is_baseline", *parameter_names, "state", "error"]
    frame = pd.DataFrame(rows, columns=[*columns, "epochs", "best_epoch", "duration_s", "value"])
    frame = frame.astype(dict.fromkeys(_FLOAT_COLUMNS, "float64"))
    # A trial without a value does not change the best so far.
    return frame.assign(best_so_far=frame["value"].cummax().ffill())


def list_search_parameters(record: SearchRecord) -> tuple[str, ...]:
    """Return the names of the settings that a search may vary."""
    return SEARCH_PARAMETERS + (RESNET_PARAMETERS if record.resnet is not None else ())


def _get_settings(config: Mapping[str, Any], record: SearchRecord) -> dict[str, Any]:
    return {name: config[name] for name in list_search_parameters(record)}


def _make_trial_row(
    number: int, planned: PlannedTrial, search: LoadedSearch, problem: str | None
) -> dict[str, Any]:
    record = search.records.get(planned.id)
    row: dict[str, Any] = {
        "number": number,
        "id": planned.id,
        "configuration": planned.configuration,
        "is_baseline": planned.configuration != f"trial-{number}",
        **_get_settings(planned.config, search.record),
        "state": SearchTrialState.UNREADABLE if problem else SearchTrialState.RUNNING,
        "error": problem,
    }
    if record is None:
        return row
    return row | {
        "state": get_trial_state(record),
        "error": record.error,
        "epochs": record.epochs,
        "best_epoch": record.best_epoch,
        "duration_s": record.duration_s,
        "value": _get_best_value(record, search),
    }


def _get_best_value(record: TrialRecord, search: LoadedSearch) -> float:
    if record.error is not None:
        return float("nan")
    return max((epoch.val_macro_f1 for epoch in search.epochs[record.id]), default=float("nan"))


def make_search_curves_frame(search: LoadedSearch) -> pd.DataFrame:
    """Return the epochs of every trial that ended, with the columns of `SearchAnalysis.curves`."""
    rows = [
        (number, epoch.epoch, epoch.val_macro_f1)
        for number, planned in enumerate(search.proposals)
        for epoch in search.epochs.get(planned.id, ())
    ]
    frame = pd.DataFrame(rows, columns=["number", "epoch", "val_macro_f1"])
    frame = frame.astype({"val_macro_f1": "float64"})
    return frame.assign(best_so_far=frame.groupby("number")["val_macro_f1"].cummax())


def select_at_rung(trial_frame: pd.DataFrame, curve_frame: pd.DataFrame, rung: int) -> pd.DataFrame:
    """Return the trials that reached an epoch, with their best value there.

    Args:
        trial_frame: Trials, with the columns of `SearchAnalysis.trials`.
        curve_frame: Curves, with the columns of `SearchAnalysis.curves`.
        rung: Epoch, from 1.

    Returns:
        Rows of those trials, with the column `value_at_rung` (float): best macro F1 on val up to
        the rung, 0 to 1, so after equal training for all.
    """
    value_by_number = curve_frame[curve_frame["epoch"] == rung].set_index("number")["best_so_far"]
    reached_trials = trial_frame[trial_frame["number"].isin(value_by_number.index)]
    return reached_trials.assign(value_at_rung=reached_trials["number"].map(value_by_number))


def make_confirmation_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Return the configurations of the confirmation, with `SearchAnalysis.confirmed`'s columns.

    Args:
        loaded_study: Files of a search.
    """
    search = loaded_study.search
    columns = ["configuration", "role", "is_baseline", *SEARCH_PARAMETERS, "value", "replicates"]
    if search is None or search.confirmation is None or not search.confirmation.trials:
        scores = [f"{split}_macro_f1{end}" for split in ("val", "test") for end in ("", "_sd")]
        return pd.DataFrame(columns=[*columns, *scores, *_SHRINKAGE_COLUMNS])
    value_by_name = make_search_trials_frame(search).set_index("configuration")["value"]
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    rows = []
    for name, config in configs.items():
        role = "best" if name in search.confirmation.best else "baseline"
        value = float(value_by_name.get(name, float("nan")))
        row = {"configuration": name, "role": role, "is_baseline": not name.startswith("trial-")}
        row |= {"value": value} | _get_settings(config, search.record)
        rows.append(row | _summarize_retrained(loaded_study, name, value))
    return pd.DataFrame(rows).astype({"momentum": "float64"})


def _summarize_retrained(loaded_study: LoadedStudy, name: str, value: float) -> dict[str, float]:
    """Return the scores of a re-trained configuration over its seeds, and its shrinkage.

    Args:
        loaded_study: Files of a search.
        name: Name of the configuration.
        value: Its value in the search, 0 to 1, or NaN.
    """
    # The driver imports this module; scipy takes a third of a second.
    from reports.analysis.intervals import estimate_mean  # noqa: PLC0415

    records = [record for record in loaded_study.records.values() if record.configuration == name]
    records = [record for record in records if record.state is TrialState.COMPLETE]
    row: dict[str, float] = {"replicates": len(records)}
    for split in ("val", "test"):
        scores = pd.Series([r.scores[split]["macro_f1"] for r in records], dtype="float64")
        row |= {
            f"{split}_macro_f1": scores.mean(),
            f"{split}_macro_f1_sd": scores.std(ddof=1),
        }
    vals = np.array([r.scores["val"]["macro_f1"] for r in records], dtype=np.float64)
    # All values are on the same val images, so only the seeds vary.
    shrinkage = estimate_mean(value - vals, None) if records else None
    ends = [np.nan] * 3 if shrinkage is None else [shrinkage.mean, shrinkage.low, shrinkage.high]
    return row | dict(zip(_SHRINKAGE_COLUMNS, ends, strict=True))
