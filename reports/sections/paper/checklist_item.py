"""Type of an item of a checklist, and its answer for a study."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from reports.sections.paper.answer import Answer
from reports.sections.paper.facts import PaperFacts

WHOLE_ITEM = "the whole item"
"""What the author has to add to an item that a study never answers."""


class ItemStatus(StrEnum):
    """How much of an item a study answers.

    Attributes:
        FILLED: All of it.
        PARTLY: A part; the author has to add the rest.
        AUTHOR: Nothing.
    """

    FILLED = "filled"
    PARTLY = "partly filled"
    AUTHOR = "for the author"


class ChecklistItem(NamedTuple):
    """An item of a checklist.

    Attributes:
        number: Number in the checklist, e.g. `12c`.
        subject: Subject in a few words.
        describe: Functions that each answer a part of the item; none if a study never answers it.
    """

    number: str
    subject: str
    describe: tuple[Callable[[PaperFacts], Answer], ...] = ()


def answer_item(item: ChecklistItem, facts: PaperFacts) -> Answer:
    """Return what a study says about an item, and what the author has to add."""
    answers = [describe(facts) for describe in item.describe]
    text = " ".join(answer.text for answer in answers if answer.text)
    to_add = "; ".join(answer.to_add for answer in answers if answer.to_add)
    return Answer(text, to_add if answers else WHOLE_ITEM)


def get_status(answer: Answer) -> ItemStatus:
    """Return how much of an item an answer covers."""
    if not answer.text:
        return ItemStatus.AUTHOR
    return ItemStatus.PARTLY if answer.to_add else ItemStatus.FILLED
