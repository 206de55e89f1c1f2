"""Ray and the terminal around trials, where Ray does not start."""

from pathlib import Path

import pytest

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from study.tuning.training_session import (
    count_remaining_trials,
    format_resume_hint,
    open_training_session,
)
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.study_configs import make_grid_config


def open_and_fail(ledger: Ledger, *, resume: bool) -> ResourceError:
    """Return the error of a session that wants more cores than any host has."""
    config = make_grid_config(ledger.folder.parent, cpus_per_trial=100_000)
    with (
        pytest.raises(ResourceError) as caught,
        open_training_session(config, ledger, resume=resume, quiet=True),
    ):
        pytest.fail("Ray started")
    return caught.value


def test_open_training_session_of_a_new_study_that_fails_removes_its_folder(
    tmp_path: Path,
) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    open_and_fail(ledger, resume=False)
    assert not ledger.folder.exists()


def test_open_training_session_of_a_resumed_study_that_fails_keeps_it(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    error = open_and_fail(ledger, resume=True)
    assert error.remedy is not None
    assert error.remedy.endswith(format_resume_hint(ledger, None))
    assert str(ledger.folder) in error.remedy
    assert ledger.read_trials()


def test_count_remaining_trials_grid_omits_ended_trials(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * 3})
    config = make_grid_config(tmp_path)
    assert count_remaining_trials(config, ledger) == 1  # at least one core is asked for
    for path in list((ledger.folder / "trials").iterdir())[:2]:
        path.unlink()
    assert count_remaining_trials(config, Ledger(ledger.folder)) == 2
