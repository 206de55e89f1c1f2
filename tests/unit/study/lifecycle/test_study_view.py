"""The view of a running study."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressReader
from reports.ledger.states import EndReason
from study.configs.search_space import count_retrained_trials
from study.lifecycle.study_view import StudyView, read_study_view
from study.runtime.lock import lock_study
from tests.helpers.ledger_entries import log_start
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial

SEARCH = replace(SEARCH_RECORD, n_trials=6)


def read(ledger: Ledger) -> StudyView:
    return read_study_view(ledger, ProgressReader(), datetime.now(UTC))


def test_read_study_view_running_grid_has_a_time_left_and_its_best_trial(ledger: Ledger) -> None:
    add_checkpoint(ledger, epochs=2)
    log_start(ledger, find_unfinished_trial(ledger).id)
    with lock_study(ledger.location):
        view = read(ledger)
    assert view.is_running
    assert not view.has_ended
    assert view.time_left_s is not None
    assert view.time_left_s > 0
    best = max(view.trials[:2], key=lambda trial: max(e.val_macro_f1 for e in trial.epochs))
    assert view.best_trial is best


def test_read_study_view_interrupted_grid_has_no_time_left(ledger: Ledger) -> None:
    view = read(ledger)
    assert (view.is_running, view.has_ended, view.time_left_s) == (False, False, None)


def test_read_study_view_search_counts_what_is_not_planned_yet(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=SEARCH, ended_by=None, running_numbers={4, 5})
    proposed, retrained = read(ledger).stages
    assert len(proposed.trials) + proposed.n_unplanned == SEARCH.n_trials
    assert retrained.n_unplanned == count_retrained_trials(SEARCH)


@pytest.mark.parametrize("with_confirmation", [True, False])
def test_read_study_view_search_ends_with_its_retraining(
    tmp_path: Path, *, with_confirmation: bool
) -> None:
    ledger = build_search(
        tmp_path / "s",
        search=SEARCH,
        ended_by=EndReason.TRIALS,
        with_confirmation=with_confirmation,
    )
    view = read(ledger)
    assert view.has_ended == with_confirmation
    assert len(view.stages[1].trials) > 0
    assert all(stage.n_unplanned == 0 for stage in view.stages)


def test_read_study_view_time_budget_limits_the_search(tmp_path: Path) -> None:
    search = replace(SEARCH, time_budget_s=1e9)
    ledger = build_search(tmp_path / "s", search=search, ended_by=None, running_numbers={5})
    proposed, _ = read(ledger).stages
    assert 0 < proposed.limit_s < 1e9
