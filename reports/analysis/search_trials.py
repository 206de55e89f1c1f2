"""A search's trials to data frames: values, curves, rungs, effort, the confirmation. No formatting.

The value of a trial is its best val macro F1 over the epochs that it ran, 0 to 1. Of a trial that
was stopped it is less than full training would have brought; one that failed or diverged has none.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.ledger.loading import LoadedSearch, LoadedStudy, Problem
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import StopReason, TrialState

SEARCH_PARAMETERS = ("family", "optimizer", "learning_rate", "momentum", "dropout")
RESNET_PARAMETERS = ("weight_decay", "label_smoothing", "width")


class SearchTrialState(StrEnum):
    """How a trial of a search ended, or that it did not.

    Attributes:
        CUT_SHORT: Stopped by the end of the search.
        UNREADABLE: Its files cannot be relied on.
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


def get_trial_state(record: TrialRecord) -> SearchTrialState:
    """Return how a trial of a search ended."""
    return _STATE_BY_STOP_REASON.get(record.stop_reason, SearchTrialState.CUT_SHORT)


def make_search_trials_frame(
    search: LoadedSearch, problems: Sequence[Problem] = ()
) -> pd.DataFrame:
    """One row a proposal, in their order.

    Args:
        search: as read.
        problems: trials whose files cannot be relied on.

    Returns:
        Columns `number` (from 0), `id`, `configuration`, `is_baseline` (whether it has a name, and
        so was proposed first), the `SEARCH_PARAMETERS` (of a search of residual networks also the
        `RESNET_PARAMETERS`), `state` (a `SearchTrialState`), `error`, `epochs`, `best_epoch`,
        `duration_s`, `value` and `best_so_far` (the highest value so far, NaN before any).
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
    # A trial without a value changes nothing of the best so far.
    return frame.assign(best_so_far=frame["value"].cummax().ffill())


def list_search_parameters(record: SearchRecord) -> tuple[str, ...]:
    """The settings that a search may draw."""
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
    """What every trial that ended reported, one row an epoch.

    Returns:
        Columns `number` of the trial, `epoch` (from 1), `val_macro_f1`, and `best_so_far`,
        its highest so far, which is what ASHA compares.
    """
    rows = [
        (number, epoch.epoch, epoch.val_macro_f1)
        for number, planned in enumerate(search.proposals)
        for epoch in search.epochs.get(planned.id, ())
    ]
    frame = pd.DataFrame(rows, columns=["number", "epoch", "val_macro_f1"])
    frame = frame.astype({"val_macro_f1": "float64"})
    return frame.assign(best_so_far=frame.groupby("number")["val_macro_f1"].cummax())


def select_at_rung(trial_frame: pd.DataFrame, curve_frame: pd.DataFrame, rung: int) -> pd.DataFrame:
    """The trials that came to an epoch, with what they had reached there: equal training for all.

    Args:
        trial_frame: from `make_search_trials_frame`.
        curve_frame: from `make_search_curves_frame`.
        rung: the epoch.

    Returns:
        The rows of those trials, with `value_at_rung`.
    """
    value_by_number = curve_frame[curve_frame["epoch"] == rung].set_index("number")["best_so_far"]
    reached_trials = trial_frame[trial_frame["number"].isin(value_by_number.index)]
    return reached_trials.assign(value_at_rung=reached_trials["number"].map(value_by_number))


def summarize_effort(trial_frame: pd.DataFrame, max_epochs: int) -> dict[str, float]:
    """Epochs of the trials that ended, and of the same trials in full training.

    Args:
        trial_frame: from `make_search_trials_frame`.
        max_epochs: of full training.

    Returns:
        `trials` that ended; `epochs`; `full_epochs`; `saved_epochs`, by ASHA, in the trials that
        it pruned; `speedup`, full training by what was spent, NaN before the first epoch.
    """
    ended = trial_frame[trial_frame["epochs"].notna()]
    epochs, full_epochs = ended["epochs"].sum(), len(ended) * max_epochs
    pruned = ended[ended["state"] == SearchTrialState.PRUNED]
    return {
        "trials": len(ended),
        "epochs": epochs,
        "full_epochs": full_epochs,
        "saved_epochs": len(pruned) * max_epochs - pruned["epochs"].sum(),
        "speedup": full_epochs / epochs if epochs else float("nan"),
    }


def compute_expected_best(values: FloatArray) -> pd.DataFrame:
    """The best of n of the trials, picked at random: what the search has to be held against.

    Dodge et al., "Show Your Work" (EMNLP 2019, arXiv:1909.03004) introduced the curve. They draw
    with replacement, which makes it too low (Tang et al., ACL 2020, arXiv:2004.13705); here it is
    without, so the last point is the best of all.

    Args:
        values: of the trials, in any order, float64, shape (N,).

    Returns:
        One row a number of `trials`, 1 to N: `expected`, and the quantiles `low` (.05) and `high`
        (.95) of the best of as many.
    """
    ranked, rows = np.sort(values), []
    ranks = np.arange(1, len(ranked) + 1)
    cdf = np.ones(len(ranked))  # P(the best of n is among the lowest i), of n = 0
    for n in range(1, len(ranked) + 1):
        cdf = cdf * np.clip(ranks - n + 1, 0, None) / (len(ranked) - n + 1)
        expected = float(ranked @ np.diff(cdf, prepend=0.0))
        low, high = (ranked[np.searchsorted(cdf, quantile - 1e-9)] for quantile in (0.05, 0.95))
        rows.append((n, expected, float(low), float(high)))
    return pd.DataFrame(rows, columns=["trials", "expected", "low", "high"])


def make_confirmation_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """The configurations that were trained again, the best of the search first.

    Args:
        loaded_study: of a search.

    Returns:
        Columns `configuration`; `role` (`best` or `baseline`); `is_baseline`, and the settings, as
        in `make_search_trials_frame`; `value` of the search (NaN if it did not run there);
        `val_macro_f1`, mean of the best over the seeds, and `val_macro_f1_sd`; `shrinkage`
        (`value` - `val_macro_f1`); `test_macro_f1` and `test_macro_f1_sd`; `seeds` finished. Empty
        where nothing is confirmed.
    """
    search = loaded_study.search
    columns = ["configuration", "role", "is_baseline", *SEARCH_PARAMETERS, "value", "seeds"]
    if search is None or search.confirmation is None or not search.confirmation.trials:
        val_columns = ["val_macro_f1", "val_macro_f1_sd", "shrinkage"]
        return pd.DataFrame(columns=[*columns, *val_columns, "test_macro_f1", "test_macro_f1_sd"])
    value_by_name = make_search_trials_frame(search).set_index("configuration")["value"]
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    rows = []
    for name, config in configs.items():
        role = "best" if name in search.confirmation.best else "baseline"
        value = float(value_by_name.get(name, float("nan")))
        row = {"configuration": name, "role": role, "is_baseline": not name.startswith("trial-")}
        row |= {"value": value} | _get_settings(config, search.record)
        rows.append(row | _summarize_retrained(loaded_study, name))
    frame = pd.DataFrame(rows).astype({"momentum": "float64"})
    return frame.assign(shrinkage=frame["value"] - frame["val_macro_f1"])


def _summarize_retrained(loaded_study: LoadedStudy, name: str) -> dict[str, float]:
    """Mean and spread over the finished seeds of a configuration of the confirmation."""
    records = [record for record in loaded_study.records.values() if record.configuration == name]
    records = [record for record in records if record.state is TrialState.COMPLETE]
    row: dict[str, float] = {"seeds": len(records)}
    for split in ("val", "test"):
        scores = pd.Series([r.scores[split]["macro_f1"] for r in records], dtype="float64")
        row |= {
            f"{split}_macro_f1": scores.mean(),
            f"{split}_macro_f1_sd": scores.std(ddof=1),
        }
    return row
