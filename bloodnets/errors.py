"""What can go wrong, as one family; each class carries the exit code of the command."""

import difflib
from collections.abc import Iterable
from pathlib import PurePath
from typing import Self


class StudyError(Exception):
    """Anything that ends a command with one line instead of a traceback.

    Its text is that line: the problem, what was expected, and the remedy.

    Attributes:
        exit_code: Exit code of the process; see the README's table.
        problem: What is wrong, in one clause that names the option, the file or the value.
        path: File, folder or address that is at fault, as `problem` names it; None without one.
        value: Value that is at fault; None if there is none.
        expected: Values that would have been accepted, in words; None where any would do.
        remedy: What the user can do about it; None where nothing is known.
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
        expected = None if self.expected is None else f"wanted: {self.expected}"
        return "; ".join(part for part in (self.problem, expected, self.remedy) if part)

    def with_remedy(self, remedy: str) -> Self:
        """Return the same error with a remedy after its own."""
        error = type(self).__new__(type(self), self.problem)  # with a subclass's own fields, too
        error.__dict__.update(self.__dict__)
        error.remedy = f"{self.remedy}; {remedy}" if self.remedy else remedy
        error.__cause__ = self.__cause__
        return error


class DataError(StudyError, ValueError):
    """A data file, or a value given by the user, is not what is needed."""

    exit_code = 2

    @classmethod
    def of_value(
        cls, name: str, value: object, expected: str, *, remedy: str | None = None
    ) -> Self:
        """Return the error of an option or a setting that has a wrong value.

        Args:
            name: Option or setting, e.g. `--width`.
            value: Its value.
            expected: Values that would have been accepted, in words.
            remedy: What the user can do, where that is not to give such a value.
        """
        text = repr(value) if isinstance(value, str) else f"{value}"
        return cls(f"{name} is {text}", value=value, expected=expected, remedy=remedy)


class ResourceError(StudyError):
    """The machine lacks something: network, disk, GPU, a cluster that answers."""

    exit_code = 3


class ConflictError(StudyError):
    """A study's folder holds something else than what the command expects."""

    exit_code = 4


def suggest_names(name: str, known_names: Iterable[str]) -> str | None:
    """Return "did you mean ...?", as the remedy for a name that is not known.

    Args:
        name: Name that a user gave.
        known_names: Names that would have been accepted.

    Returns:
        Up to three known names that are close to the one given, the closest first, in a question;
        None if no name is close, or if the name is known.
    """
    names = list(known_names)
    matches = [] if name in names else difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(matches)}?" if matches else None
