"""`bloodstudy status` without a study: a line per study."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bloodnets.errors import ConflictError
from bloodnets.storage.location import RemotePath
from study.cli.main import app
from study.lifecycle.status import format_summary, list_study_names
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.search_builder import SEARCH_RECORD, build_search

MATRICES = {"cnn-config-1": make_published_matrices(3)["cnn-config-1"]}


def test_list_study_names_other_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("b", "a"):
        build_grid(tmp_path / name, MATRICES)
    (tmp_path / "a+b").mkdir()
    (tmp_path / "file").write_text("x")
    assert list_study_names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_list_study_names_without_a_study_raises(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ConflictError) as caught:
        list_study_names(tmp_path / folder)
    assert caught.value.path == str(tmp_path / folder)


def test_list_study_names_at_an_address_lists_them(tmp_path: Path, running: S3Server) -> None:
    root = RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}")
    build_grid(root / "stored", MATRICES)
    assert list_study_names(root) == ["stored"]


def test_format_summary_counts_ended_and_planned_trials(tmp_path: Path) -> None:
    missing = [("cnn-config-1", 2)]
    grid = build_grid(tmp_path / "g", MATRICES, missing_trials=missing)
    assert format_summary(grid).startswith("g: grid, created 2026-")
    assert format_summary(grid).endswith(", 2 of 3 ended")


def test_format_summary_unfinished_search_counts_all_proposals_to_come(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=4)
    ledger = build_search(tmp_path / "s", search=search, ended_by=None)
    assert ledger.read_confirmation() is None
    assert format_summary(ledger).endswith(" of 4 ended")


def test_status_damaged_study_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        build_grid(tmp_path / name, MATRICES)
    (tmp_path / "b" / "study.json").write_text("{}")
    done = CliRunner().invoke(app, ["status", "--storage", str(tmp_path)])
    assert done.exit_code == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["a", "c"]
    assert str(tmp_path / "b" / "study.json") in done.stderr
