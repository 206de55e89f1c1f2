"""Trials that ended at the epoch limit, by stop reason, state and family."""

from dataclasses import replace
from typing import cast

import pytest

from reports.analysis.epoch_limit import count_limited_trials, find_limited_configurations
from reports.ledger.planned_trial import Config
from reports.ledger.states import StopReason, TrialState
from tests.helpers.planted_study import ADAM, SGD, make_cyclic_matrices, plant_study


@pytest.mark.parametrize(
    ("stop_reason", "state", "family", "n_limited", "n_complete"),
    [
        (StopReason.MAX_EPOCHS, TrialState.COMPLETE, "cnn", 1, 3),
        (StopReason.PATIENCE, TrialState.COMPLETE, "cnn", 0, 3),
        (StopReason.ERROR, TrialState.FAILED, "cnn", 0, 2),
        (StopReason.MAX_EPOCHS, TrialState.COMPLETE, "resnet", 0, 3),
    ],
)
def test_count_limited_trials_counts_complete_trials_that_early_stopping_did_not_end(
    stop_reason: StopReason, state: TrialState, family: str, n_limited: int, n_complete: int
) -> None:
    study = plant_study({SGD: make_cyclic_matrices(45, 45), ADAM: make_cyclic_matrices(45)})
    key, record = next(iter(study.records.items()))
    config = cast("Config", dict(record.config) | {"family": family, "max_epochs": 4})
    changed = replace(record, stop_reason=stop_reason, state=state, config=config)
    study = replace(study, records={**study.records, key: changed})
    limit = count_limited_trials(study)
    assert (limit.n_limited, limit.n_complete) == (n_limited, n_complete)
    assert list(limit.max_epochs) == ([4] if n_limited else [])
    assert find_limited_configurations(study) == ({record.configuration} if n_limited else set())
