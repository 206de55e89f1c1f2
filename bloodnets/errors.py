"""Exceptions of the project; each class carries the exit code of the command."""

import difflib
from collections.abc import Iterable
from pathlib import PurePath
from typing import Self

MAX_NAMES = 16
"""Maximum number of names that an error message lists."""


class StudyError(Exception):
    """Base class of errors that end a command with one line instead of a traceback.

    The text of the error is that line: problem, expected values and remedy.

    Attributes:
        exit_code: Exit code of the process; see `docs/reference/exit-codes.md`.
        problem: Problem, in one clause that names the option, the file or the value.
        path: File, folder or address at fault, as in `problem`; None if there is none.
        value: Value at fault; None if there is none.
        expected: Accepted values, in words; None if the problem is not a wrong value.
        remedy: Action that the user can take; None if none is known.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        path: PurePath | str | None = None,
        value: object = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = None if path is None else str(path)
        self.value = value
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        expected = None if self.expected is None else f"expected: {self.expected}"
        return "; ".join(part for part in (self.problem, expected, self.remedy) if part)

    def with_remedy(self, remedy: str) -> Self:
        """Return a copy of the error with another remedy after its own."""
        error = type(self).__new__(type(self), self.problem)  # keeps a subclass's own fields
        error.__dict__.update(self.__dict__)
        error.remedy = f"{self.remedy}; {remedy}" if self.remedy else remedy
        error.__cause__ = self.__cause__
        return error


class DataError(StudyError, ValueError):
    """Invalid data file or invalid value given by the user."""

    exit_code = 2

    @classmethod
    def of_value(
        cls, name: str, value: object, expected: str, *, remedy: str | None = None
    ) -> Self:
        """Return the error for an option or a setting with a wrong value.

        Args:
            name: Name of the option or setting, e.g. `--width`.
            value: Rejected value.
            expected: Accepted values, in words.
            remedy: Action that the user can take; None if it is to give an accepted value.
        """
        text = repr(value) if isinstance(value, str) else f"{value}"
        return cls(f"{name} is {text}", value=value, expected=expected, remedy=remedy)


class ResourceError(StudyError):
    """Missing resource: network, disk space, GPU, or a cluster that responds."""

    exit_code = 3


class ConflictError(StudyError):
    """Conflict between the contents of a folder and what the command expects."""

    exit_code = 4


def suggest_names(name: str, known_names: Iterable[str]) -> str | None:
    """Return "did you mean ...?", the remedy for an unknown name.

    Args:
        name: Name that the user gave.
        known_names: Accepted names.

    Returns:
        Question with up to three similar known names, the closest first. None if no known name
        is similar, or if `name` is known.
    """
    names = list(known_names)
    matches = [] if name in names else difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(matches)}?" if matches else None


def suggest_or_list_names(name: str, known_names: Iterable[str]) -> str:
    """Return the remedy for an unknown name: "did you mean ...?", or else the known names.

    Args:
        name: Name that the user gave.
        known_names: Accepted names; the first `MAX_NAMES` are listed.
    """
    names = list(known_names)
    if suggestion := suggest_names(name, names):
        return suggestion
    if not names:
        return "there are none"
    n_more = len(names) - MAX_NAMES
    more = f" and {n_more} more" if n_more > 0 else ""
    return f"there are: {', '.join(names[:MAX_NAMES])}{more}"
