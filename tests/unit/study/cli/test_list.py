"""`bloodstudy list`."""

import json
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import ASYMMETRIC, build_grid

MATRICES = {"cnn-config-1": [ASYMMETRIC]}


def test_list_json_has_the_last_changed_study_first(tmp_path: Path, run_main: RunMain) -> None:
    for name in ("a", "c", "b"):
        ledger = build_grid(tmp_path / name, MATRICES)
        log = ledger.folder / "events.jsonl"
        year = {"a": b"2021-", "b": b"2022-", "c": b"2023-"}[name]
        log.write_bytes(log.read_bytes().replace(b'"logged_at":"2026-', b'"logged_at":"' + year))
    outcome = run_main("list", "--storage", tmp_path, "--json")
    assert (outcome.code, outcome.stderr) == (0, "")
    studies = json.loads(outcome.stdout)
    assert [study["name"] for study in studies] == ["c", "b", "a"]
    assert studies[0]["best"]["configuration"] == "cnn-config-1"


def test_list_damaged_study_is_named_and_the_others_are_listed(
    tmp_path: Path, run_main: RunMain
) -> None:
    for name in ("a", "b", "c"):
        build_grid(tmp_path / name, MATRICES)
    (tmp_path / "b" / "study.json").write_text("{}")
    outcome = run_main("list", "--storage", tmp_path)
    assert outcome.code == 1
    assert {line.split()[0] for line in outcome.stdout.splitlines()[1:]} == {"a", "c"}
    assert str(tmp_path / "b" / "study.json") in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_list_without_a_study_says_so(
    tmp_path: Path, options: list[str], run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run_main("list", *options)
    assert (outcome.code, outcome.stdout.strip()) == (0, "[]" if options else "")
    assert "results/" in outcome.stderr
    assert run_main("list", "--storage", "nope", *options).code == ConflictError.exit_code
