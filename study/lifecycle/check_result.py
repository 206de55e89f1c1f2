"""The result of one check of `bloodstudy doctor`."""

from collections.abc import Callable
from typing import NamedTuple

from bloodnets.errors import StudyError


class CheckResult(NamedTuple):
    """Result of one check, as `bloodstudy doctor` prints it.

    Attributes:
        passed: Whether a study could run, as far as this check can tell.
        text: Line to print.
    """

    passed: bool
    text: str


def run_check(name: str, check: Callable[[], str]) -> CheckResult:
    """Run a check and turn its `StudyError` into a failed result.

    Args:
        name: Name of the check, printed before its result.
        check: Function that returns the text of a passed check and raises if the check fails.
    """
    try:
        return CheckResult(True, f"pass  {name}: {check()}")
    except StudyError as error:
        return CheckResult(False, f"FAIL  {name}: {' '.join(str(error).split())}")
