"""A search's trials to data frames: values, curves, rungs, effort, the confirmation. No formatting.

The value of a trial is its best val macro F1 over the epochs that it ran, 0 to 1. Of a trial that
was stopped it is less than full training would have brought; one that failed or diverged has none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.ledger.loading import Evidence, Problem, Search
from reports.ledger.records import OPTIONAL_SETTINGS, PlannedTrial, SearchRecord, TrialRecord

PARAMETERS = ("family", "optimizer", "learning_rate", "momentum", "dropout")
RESNET_PARAMETERS = ("weight_decay", "label_smoothing", "width")

STATES = ("complete", "pruned", "diverged", "failed", "cut short", "unreadable", "running")
"""How a trial ended: `pruned` by ASHA, `cut short` by the end of the search; `running` if it has
not ended, or was interrupted."""

_NUMBERS = ("learning_rate", "momentum", "dropout", "epochs", "best_epoch", "duration_s", "value")


def state(record: TrialRecord) -> str:
    """How a trial of a search ended: one of `STATES`."""
    names = {"max_epochs": "complete", "asha": "pruned", "diverged": "diverged", "error": "failed"}
    return names.get(record.stop_reason, "cut short")


def trials(search: Search, problems: Sequence[Problem] = ()) -> pd.DataFrame:
    """One row a proposal, in their order.

    Args:
        search: as read.
        problems: trials whose files cannot be relied on.

    Returns:
        Columns `number` (from 0), `id`, `configuration`, `start` (whether it has a name, and so
        was proposed first), the `PARAMETERS` (of a search of residual networks also the
        `RESNET_PARAMETERS`), `state` (one of `STATES`), `error`, `epochs`,
        `best_epoch`, `duration_s`, `value` and `best` (the highest value so far, NaN before any).
    """
    broken = {problem.trial: problem.reason for problem in problems}
    rows = [
        _trial(number, planned, search, broken.get(planned.id))
        for number, planned in enumerate(search.proposals)
    ]
    known = parameters(search.record)
    columns = ["number", "id", "configuration", "start", *known, "state", "error"]
    frame = pd.DataFrame(rows, columns=[*columns, "epochs", "best_epoch", "duration_s", "value"])
    frame = frame.astype(dict.fromkeys(_NUMBERS, "float64"))
    # A trial without a value changes nothing of the best so far.
    return frame.assign(best=frame["value"].cummax().ffill())


def parameters(record: SearchRecord) -> tuple[str, ...]:
    """The settings that a search may draw."""
    return PARAMETERS + (RESNET_PARAMETERS if record.resnet is not None else ())


def _settings(config: Mapping[str, Any], record: SearchRecord) -> dict[str, Any]:
    return {name: config.get(name, OPTIONAL_SETTINGS.get(name)) for name in parameters(record)}


def _trial(
    number: int, planned: PlannedTrial, search: Search, problem: str | None
) -> dict[str, Any]:
    record = search.records.get(planned.id)
    row: dict[str, Any] = {
        "number": number,
        "id": planned.id,
        "configuration": planned.configuration,
        "start": planned.configuration != f"trial-{number}",
        **_settings(planned.config, search.record),
        "state": "unreadable" if problem else "running",
        "error": problem,
    }
    if record is None:
        return row
    return row | {
        "state": state(record),
        "error": record.error,
        "epochs": record.epochs,
        "best_epoch": record.best_epoch,
        "duration_s": record.duration_s,
        "value": _value(record, search),
    }


def _value(record: TrialRecord, search: Search) -> float:
    if record.error is not None:
        return float("nan")
    return max((epoch.val_macro_f1 for epoch in search.epochs[record.id]), default=float("nan"))


def curves(search: Search) -> pd.DataFrame:
    """What every trial that ended reported, one row an epoch.

    Returns:
        Columns `number` of the trial, `epoch` (from 1), `val_macro_f1`, and `best`, its highest
        so far, which is what ASHA compares.
    """
    rows = [
        (number, epoch.epoch, epoch.val_macro_f1)
        for number, planned in enumerate(search.proposals)
        for epoch in search.epochs.get(planned.id, ())
    ]
    frame = pd.DataFrame(rows, columns=["number", "epoch", "val_macro_f1"])
    frame = frame.astype({"val_macro_f1": "float64"})
    return frame.assign(best=frame.groupby("number")["val_macro_f1"].cummax())


def at_rung(frame: pd.DataFrame, lines: pd.DataFrame, level: int) -> pd.DataFrame:
    """The trials that came to an epoch, with what they had reached there: equal training for all.

    Args:
        frame: from `trials`.
        lines: from `curves`.
        level: the epoch.

    Returns:
        The rows of those trials, with `reached`.
    """
    there = lines[lines["epoch"] == level].set_index("number")["best"]
    own = frame[frame["number"].isin(there.index)]
    return own.assign(reached=own["number"].map(there))


def effort(frame: pd.DataFrame, max_epochs: int) -> dict[str, float]:
    """Epochs of the trials that ended, and of the same trials in full training.

    Args:
        frame: from `trials`.
        max_epochs: of full training.

    Returns:
        `trials` that ended; `epochs`; `full`; `saved` by ASHA, in the trials that it pruned;
        `factor`, full training by what was spent, NaN before the first epoch.
    """
    ended = frame[frame["epochs"].notna()]
    epochs, full = ended["epochs"].sum(), len(ended) * max_epochs
    pruned = ended[ended["state"] == "pruned"]
    return {
        "trials": len(ended),
        "epochs": epochs,
        "full": full,
        "saved": len(pruned) * max_epochs - pruned["epochs"].sum(),
        "factor": full / epochs if epochs else float("nan"),
    }


def expected_best(values: FloatArray) -> pd.DataFrame:
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
    places = np.arange(1, len(ranked) + 1)
    below = np.ones(len(ranked))  # P(the best of n is among the lowest i), of n = 0
    for n in range(1, len(ranked) + 1):
        below = below * np.clip(places - n + 1, 0, None) / (len(ranked) - n + 1)
        expected = float(ranked @ np.diff(below, prepend=0.0))
        low, high = (ranked[np.searchsorted(below, at - 1e-9)] for at in (0.05, 0.95))
        rows.append((n, expected, float(low), float(high)))
    return pd.DataFrame(rows, columns=["trials", "expected", "low", "high"])


def confirmed(evidence: Evidence) -> pd.DataFrame:
    """The configurations that were trained again, the best of the search first.

    Args:
        evidence: of a search.

    Returns:
        Columns `configuration`; `role` (`best` or `baseline`); `start`, and the settings, as in
        `trials`; `value` of the search (NaN if it did not run there); `val`, mean of the best val
        macro F1 over the seeds, and `val_sd`; `shrinkage` (`value` - `val`); `test` and `test_sd`,
        macro F1; `seeds` finished. Empty where nothing is confirmed.
    """
    search = evidence.search
    columns = ["configuration", "role", "start", *PARAMETERS, "value", "seeds"]
    if search is None or search.end is None or not search.end.trials:
        return pd.DataFrame(columns=[*columns, "val", "val_sd", "shrinkage", "test", "test_sd"])
    found = trials(search).set_index("configuration")["value"]
    configs = {planned.configuration: planned.config for planned in evidence.study.trials}
    rows = []
    for name, config in configs.items():
        role = "best" if name in search.end.best else "baseline"
        value = float(found.get(name, float("nan")))
        row = {"configuration": name, "role": role, "start": not name.startswith("trial-")}
        row |= {"value": value} | _settings(config, search.record)
        rows.append(row | _again(evidence, name))
    frame = pd.DataFrame(rows).astype({"momentum": "float64"})
    return frame.assign(shrinkage=frame["value"] - frame["val"])


def _again(evidence: Evidence, name: str) -> dict[str, float]:
    """Mean and spread over the finished seeds of a configuration of the confirmation."""
    own = [record for record in evidence.records.values() if record.configuration == name]
    own = [record for record in own if record.status == "complete"]
    row: dict[str, float] = {"seeds": len(own)}
    for split in ("val", "test"):
        scores = pd.Series([r.scores[split]["macro_f1"] for r in own], dtype="float64")
        row |= {split: scores.mean(), f"{split}_sd": scores.std(ddof=1)}
    return row
