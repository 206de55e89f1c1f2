"""The proposals of a search are compared with its settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.verification.configurations import compute_digest
from reports.verification.proposals import check_proposals
from tests.helpers.disagreement import find_disagreement
from tests.helpers.small_studies import (
    SMALL_SEARCH,
    edit_json,
    edit_json_lines,
)


def edit_proposal(folder: Path, number: int, change: Callable[[Any], object]) -> str:
    """Change a proposal in place; return its id before the change."""
    trial_id = Ledger(folder).read_proposals()[number].id
    edit_json_lines(folder / "proposals.jsonl", lambda proposals: change(proposals[number]))
    return trial_id


def test_verify_study_with_a_changed_setting_of_the_search_raises(search_copy: Path) -> None:
    edit_json(search_copy / "study.json", ("search", "reduction_factor"), lambda _: 4)
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("study.json", Ledger(search_copy).study.fingerprint)


def test_verify_study_with_a_changed_proposal_raises_with_its_id(search_copy: Path) -> None:
    trial_id = edit_proposal(search_copy, 3, lambda trial: trial["config"].update(dropout=0.111))
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", trial_id)


def test_verify_study_with_swapped_proposals_raises_with_the_first(search_copy: Path) -> None:
    second = Ledger(search_copy).read_proposals()[1]
    edit_json_lines(
        search_copy / "proposals.jsonl",
        lambda proposals: proposals.insert(0, proposals.pop(1)),
    )
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", second.id)


def test_verify_study_with_a_sampled_trial_under_a_published_name_raises(search_copy: Path) -> None:
    edit_proposal(search_copy, 3, lambda trial: trial.update(configuration="cnn-config-1"))
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", "cnn-config-1")


def test_verify_study_with_a_proposal_outside_the_space_raises(search_copy: Path) -> None:
    def leave_space(trial: Any) -> None:
        trial["config"]["dropout"] = 0.9
        trial["id"] = f"trial-3-{compute_digest(trial['config'])}"

    edit_proposal(search_copy, 3, leave_space)
    error = find_disagreement(search_copy)
    trial_id = Ledger(search_copy).read_proposals()[3].id
    assert (error.path, error.value) == ("proposals.jsonl", trial_id)


def test_check_proposals_with_more_than_the_search_allows_raises(search_copy: Path) -> None:
    edit_json_lines(search_copy / "proposals.jsonl", lambda trials: trials.append(trials[-1]))
    with pytest.raises(ConflictError) as caught:
        check_proposals(Ledger(search_copy), SMALL_SEARCH)
    assert (caught.value.path, caught.value.value) == ("proposals.jsonl", 11)
