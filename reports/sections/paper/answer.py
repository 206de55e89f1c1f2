"""Type of an answer to an item of a checklist, and helpers to write answers."""

from collections.abc import Iterable
from typing import NamedTuple


class Answer(NamedTuple):
    """What a study says about an item of a checklist.

    Attributes:
        text: Sentences with the study's facts; empty if it has none.
        to_add: What the author has to add, a phrase; empty if nothing is missing.
    """

    text: str
    to_add: str = ""


def join_words(values: Iterable[object]) -> str:
    """Join values as `a, b and c`; return the empty string without a value."""
    *others, last = [*map(str, values)] or [""]
    return f"{', '.join(others)} and {last}" if others else last
