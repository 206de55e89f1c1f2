"""A study's files are compared with each other: intact ones pass, and what is changed is named.

What is computed again from predictions and epochs is in `test_scores`, the report in `test_report`.
"""

import re
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.verification.verify import verify_study
from tests.helpers.disagreement import find_disagreement
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.small_studies import (
    SMALL_MATRICES,
    SMALL_MATRIX,
    edit_epochs,
    edit_json,
    get_trial_file,
    list_trial_ids,
)


def count_checks(lines: list[str]) -> list[int | None]:
    """Return the number at the beginning of each line; None where there is none."""
    numbers = (re.match(r"[\d,]+", line) for line in lines)
    return [int(number[0]) if number else None for number in numbers]


def test_verify_study_of_an_intact_study_has_a_line_for_each_check(small_grid: Path) -> None:
    lines = list(verify_study(Ledger(small_grid)))
    # The plan; trials, files, scores, epochs, test evaluations; no report; the data.
    assert count_checks(lines) == [None, 4, 12, 48, 126, 4, None, None]


def test_verify_study_that_has_not_run_passes_and_names_every_trial(tmp_path: Path) -> None:
    """All eight configurations have the digest of `TrialConfig.compute_digest` in their ids."""
    names = list(make_published_matrices())
    ledger = build_grid(
        tmp_path / "s",
        {name: [SMALL_MATRIX] for name in names},
        missing_trials=[(name, 0) for name in names],
    )
    lines = list(verify_study(ledger))
    assert count_checks(lines[1:3]) == [0, 8]
    assert all(planned.id in lines[2] for planned in ledger.study.trials)


def test_verify_study_with_failed_and_missing_trials_passes(tmp_path: Path) -> None:
    ledger = build_grid(
        tmp_path / "s",
        SMALL_MATRICES,
        failed_trials={("cnn-config-1", 0): "loss is nan"},
        missing_trials=[("mlnn-config-2", 1)],
    )
    lines = list(verify_study(ledger))
    assert count_checks(lines[1:3]) == [3, 1]
    assert ledger.study.trials[3].id in lines[2]


def test_verify_study_with_a_changed_score_raises(grid_copy: Path) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[2], "trials")
    changed = edit_json(path, ("scores", "test", "accuracy"), lambda x: x + 1e-6)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (f"trials/{path.name}", changed)


def test_verify_study_with_a_changed_epoch_raises(grid_copy: Path) -> None:
    name = edit_epochs(
        grid_copy, list_trial_ids(grid_copy)[0], lambda epochs: epochs[3].update(epoch=5)
    )
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (name, 5)


@pytest.mark.parametrize("split", ["val", "test"])
def test_verify_study_with_a_changed_class_count_raises_with_the_counts(
    grid_copy: Path, split: str
) -> None:
    edit_json(grid_copy / "study.json", ("data", "class_counts", split, 2), lambda _: 9)
    error = find_disagreement(grid_copy)
    counts = Ledger(grid_copy).study.data.class_counts[split]
    assert (error.path, error.value) == ("study.json", counts)
