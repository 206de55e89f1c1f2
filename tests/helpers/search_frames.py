"""Make frames of a search of six trials, for tests of the code that uses them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.ledger.search_record import Confirmation
from reports.ledger.states import EndReason
from tests.helpers.search_builder import SEARCH_RECORD

SMALL_SEARCH_RECORD = replace(
    SEARCH_RECORD, n_trials=6, max_epochs=4, rungs=(1, 2), retrain_top=1, retrain_seeds=2
)

# Configuration, optimizer, state, and macro F1 on val after each epoch.
_SEARCH_TRIALS = (
    ("cnn-config-1", "sgd", "complete", (0.5, 0.7, 0.8, 0.9)),
    ("cnn-config-2", "adam", "complete", (0.6, 0.8, 0.92, 0.91)),
    ("trial-2", "adam", "pruned", (0.3,)),
    ("trial-3", "adam", "complete", (0.7, 0.85, 0.9, 0.94)),
    ("trial-4", "sgd", "diverged", (0.1,)),
    ("trial-5", "sgd", "pruned", (0.55, 0.65)),
)


def make_search_analysis(**changes: Any) -> SearchAnalysis:
    """Return a search of six trials: two published ones, one better, three that were stopped."""
    trials = pd.DataFrame(
        [
            _make_search_trial(number, name, optimizer, state, values)
            for number, (name, optimizer, state, values) in enumerate(_SEARCH_TRIALS)
        ]
    )
    curves = pd.DataFrame(
        [
            (number, epoch, value)
            for number, (_, _, _, values) in enumerate(_SEARCH_TRIALS)
            for epoch, value in enumerate(values, start=1)
        ],
        columns=["number", "epoch", "val_macro_f1"],
    )
    analysis = SearchAnalysis(
        record=SMALL_SEARCH_RECORD,
        confirmation=make_confirmation(),
        trials=trials.assign(best_so_far=trials["value"].cummax().ffill()),
        curves=curves.assign(best_so_far=curves.groupby("number")["val_macro_f1"].cummax()),
        confirmed=_make_confirmed(trials),
    )
    return replace(analysis, **changes)


def make_confirmation(
    *, ended_by: EndReason = EndReason.TRIALS, concurrency: int = 2
) -> Confirmation:
    """Return the confirmation of `make_search_analysis`, without its planned trials."""
    return Confirmation(
        ended_by=ended_by,
        duration_s=60.0,
        concurrency=concurrency,
        best=("trial-3",),
        baselines=("cnn-config-2",),
        trials=(),
    )


def _make_search_trial(
    number: int, name: str, optimizer: str, state: str, values: Sequence[float]
) -> dict[str, Any]:
    is_diverged = state == "diverged"
    return {
        "number": number,
        "id": f"{name}-0123abcd",
        "configuration": name,
        "is_baseline": not name.startswith("trial-"),
        "family": "cnn",
        "optimizer": optimizer,
        "learning_rate": 0.001 * (number + 1),
        "momentum": 0.9 if optimizer == "sgd" else np.nan,
        "dropout": 0.1 * (number + 1),
        "state": state,
        "error": "NonFiniteLossError: the training loss is nan" if is_diverged else None,
        "epochs": float(len(values)),
        "best_epoch": float(np.argmax(values) + 1),
        "duration_s": 30.0 * len(values),
        "value": np.nan if is_diverged else max(values),
    }


def _make_confirmed(trials: pd.DataFrame) -> pd.DataFrame:
    """Return two re-trained configurations with two seeds each: the best trial and a baseline."""
    settings = ["configuration", "is_baseline", "family", "optimizer"]
    settings += ["learning_rate", "momentum", "dropout", "value"]
    frame = trials.loc[[3, 1], settings].reset_index(drop=True)
    frame = frame.assign(role=["best", "baseline"], replicates=2)
    frame = frame.assign(val_macro_f1=[0.93, 0.91], val_macro_f1_sd=0.003)
    frame = frame.assign(test_macro_f1=[0.925, 0.905], test_macro_f1_sd=0.004)
    shrinkage = frame["value"] - frame["val_macro_f1"]
    return frame.assign(
        shrinkage=shrinkage, shrinkage_low=shrinkage - 0.02, shrinkage_high=shrinkage + 0.02
    )
