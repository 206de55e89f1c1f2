"""One line of what `bloodstudy doctor` finds."""

from collections.abc import Callable
from typing import NamedTuple

from bloodnets.errors import StudyError


class CheckResult(NamedTuple):
    """One line of the examination.

    Attributes:
        passed: Whether a study could run, as far as this check knows.
        text: Line to print.
    """

    passed: bool
    text: str


def run_check(name: str, check: Callable[[], str]) -> CheckResult:
    """Run one check; its error becomes a line that failed."""
    try:
        return CheckResult(True, f"pass  {name}: {check()}")
    except StudyError as error:
        return CheckResult(False, f"FAIL  {name}: {' '.join(str(error).split())}")
