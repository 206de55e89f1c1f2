"""Where a study stands, and how to resume it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from study.lifecycle.status import (
    format_ended_count,
    format_resume_command,
    format_status_lines,
    is_unfinished,
)
from study.runtime.environment import RAY_ADDRESS
from study.runtime.lock import lock_study
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.unfinished_trials import add_checkpoint


def test_format_resume_command_can_be_copied(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert format_resume_command(ledger, None) == f"bloodstudy resume {ledger.folder}"
    spaced = tmp_path / "my results"
    shutil.copytree(ledger.folder, spaced / "s")
    assert format_resume_command(Ledger(spaced / "s"), None) == f"bloodstudy resume '{spaced}/s'"
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ledger.folder, tmp_path / "results" / "s")
    own = Ledger(Path("results", "s"))
    assert format_resume_command(own, "head:6379") == "bloodstudy resume s --address head:6379"


def test_format_resume_command_variable_of_a_cluster_is_overruled_for_a_local_study(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RAY_ADDRESS, "head:6379")
    expected = f"bloodstudy resume {ledger.folder} --address"
    assert format_resume_command(ledger, None) == f"{expected} local"
    assert format_resume_command(ledger, "other:6379") == f"{expected} other:6379"


def test_format_status_lines_ended_study_of_a_cluster_needs_no_cluster(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    study = ledger.study
    resources = replace(study.resources, cluster_address="head:6379")
    ledger.files.write("study.json", to_json(replace(study, resources=resources), indent=2))
    *_, last_line = format_status_lines(Ledger(ledger.folder))
    assert last_line.endswith(f"bloodstudy resume {ledger.folder} --address local")


def test_format_status_lines_grid_names_unfinished_trials(ledger: Ledger) -> None:
    add_checkpoint(ledger, epochs=3)
    said = [*format_status_lines(ledger)]
    assert said[0].startswith("s: grid, created ")
    assert said[2:] == [
        "trials: 2 of 3 ended (2 complete)",
        "pending: cnn-config-1-s0 (after 3 epochs)",
        f"Resume with: bloodstudy resume {ledger.folder}",
    ]


def test_format_status_lines_search_counts_states_and_names_failures(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=6)
    begun = build_search(tmp_path / "begun", search=search, ended_by=None, running_numbers={4, 5})
    said = [*format_status_lines(begun)]
    assert said[2].startswith("search: 4 of 6 ended (")
    assert said[3] == "pending: trial-4, trial-5, and new proposals"
    over = build_search(tmp_path / "over", search=search, failed_numbers={3: "OSError: broken"})
    said = [*format_status_lines(over)]
    assert "1 failed" in said[2]
    assert said[3].startswith("confirmation: ")
    assert said[4].startswith("failed: trial-3-")
    assert said[4].endswith(": OSError: broken")
    assert "Write the report with: bloodstudy resume" in said[5]


def test_format_status_lines_running_study_says_so_instead_of_how_to_resume(
    ledger: Ledger,
) -> None:
    *before, resume_line = format_status_lines(ledger)
    assert "bloodstudy resume" in resume_line
    with lock_study(ledger.folder):
        *lines, last_line = format_status_lines(ledger)
    assert lines == before
    assert "bloodstudy resume" not in last_line


def test_is_unfinished_search_without_its_confirmation_is_true(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=4)
    ended = build_search(tmp_path / "ended", search=search, ended_by=None)
    assert is_unfinished(ended)
    assert "4 of at most 4" in format_ended_count(ended)
    assert not is_unfinished(build_search(tmp_path / "confirmed", search=search))


def test_is_unfinished_grid_with_a_missing_trial_is_true(ledger: Ledger) -> None:
    assert is_unfinished(ledger)
    assert "2 of 3" in format_ended_count(ledger)
