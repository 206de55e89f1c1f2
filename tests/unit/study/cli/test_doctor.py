"""`bloodstudy doctor`: its options, lines and exit codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bloodnets.storage.location import RemotePath
from study.lifecycle.check_result import CheckResult
from study.runtime.environment import RAY_ADDRESS
from tests.helpers.cli_runs import RunMain


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 3)])
def test_doctor_failed_check_exits_3_after_all_checks(
    passed: bool, code: int, run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_checks(**_: object) -> Iterator[CheckResult]:
        yield CheckResult(passed, "the first line")
        yield CheckResult(True, "the last line")

    monkeypatch.setattr("study.lifecycle.doctor.run_checks", run_checks)
    outcome = run_main("doctor")
    assert outcome.code == code
    assert outcome.stdout.splitlines() == ["the first line", "the last line"]


def test_doctor_options_are_passed_on(run_main: RunMain, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def run_checks(**options: object) -> list[CheckResult]:
        calls.append(options)
        return []

    monkeypatch.setattr("study.lifecycle.doctor.run_checks", run_checks)
    run_main("doctor", "--storage", "s3://bucket/x", "--address", "local")
    run_main("doctor", "--data-file", "cells.npz", "--address", "head:6379")
    monkeypatch.setenv(RAY_ADDRESS, "other:6379")
    run_main("doctor")
    first, second, third = calls
    assert (first["storage_root"], first["address"]) == (RemotePath("s3://bucket/x"), None)
    assert (second["data_file"], second["address"]) == (Path("cells.npz"), "head:6379")
    assert third["address"] == "other:6379"


def test_doctor_measure_concurrency_prints_its_lines_after_the_checks(
    run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [CheckResult(True, "a check")]
    monkeypatch.setattr("study.lifecycle.doctor.run_checks", lambda **_: checks)
    monkeypatch.setattr(
        "study.lifecycle.concurrency_report.report_concurrency", lambda: iter(["a row", "advice"])
    )
    assert run_main("doctor").stdout.splitlines() == ["a check"]
    outcome = run_main("doctor", "--measure-concurrency", "--address", "local")
    assert outcome.code == 0
    assert outcome.stdout.splitlines() == ["a check", "a row", "advice"]


def test_doctor_measure_concurrency_of_a_cluster_is_refused(run_main: RunMain) -> None:
    outcome = run_main("doctor", "--measure-concurrency", "--address", "head:6379")
    assert outcome.code == 2
    assert outcome.stdout == ""
    assert "--address" in outcome.stderr
