"""A line for each check, whether it passes or fails."""

from bloodnets.errors import DataError
from study.lifecycle.check_result import CheckResult, run_check


def test_run_check_without_an_error_passes() -> None:
    assert run_check("disk", lambda: "9 GB free") == CheckResult(True, "pass  disk: 9 GB free")


def test_run_check_with_an_error_fails_in_one_line() -> None:
    def fail() -> str:
        raise DataError("no\nroom", remedy="remove files")

    result = run_check("disk", fail)
    assert not result.passed
    assert result.text.startswith("FAIL  disk: no room")
    assert "remove files" in result.text
    assert "\n" not in result.text
