"""The items of both checklists: every number once, in order, with a subject of its own."""

import pytest

from reports.sections.paper.checklist_item import ChecklistItem
from reports.sections.paper.claim_2024 import CLAIM_2024
from reports.sections.paper.tripod_ai import TRIPOD_AI

# Items of TRIPOD+AI with parts; the other items up to 27 have none.
TRIPOD_PARTS = {
    3: "abc",
    5: "ab",
    6: "abc",
    8: "abc",
    9: "abc",
    12: "abcdefg",
    18: "abcdef",
    20: "abc",
    23: "ab",
    27: "abc",
}
CLAIM_NUMBERS = [str(number) for number in range(1, 45)]
TRIPOD_NUMBERS = [
    f"{number}{part}" for number in range(1, 28) for part in TRIPOD_PARTS.get(number, ("",))
]


@pytest.mark.parametrize("number", CLAIM_NUMBERS)
def test_claim_2024_has_each_item_once(number: str) -> None:
    assert [item.number for item in CLAIM_2024].count(number) == 1


@pytest.mark.parametrize("number", TRIPOD_NUMBERS)
def test_tripod_ai_has_each_item_once(number: str) -> None:
    assert [item.number for item in TRIPOD_AI].count(number) == 1


@pytest.mark.parametrize(
    ("items", "numbers"), [(CLAIM_2024, CLAIM_NUMBERS), (TRIPOD_AI, TRIPOD_NUMBERS)]
)
def test_checklist_has_no_other_item_and_keeps_the_order(
    items: tuple[ChecklistItem, ...], numbers: list[str]
) -> None:
    assert [item.number for item in items] == numbers
    subjects = [item.subject for item in items]
    assert len({*subjects}) == len(subjects)
    assert max(len(subject.split()) for subject in subjects) <= 6  # our words, not the articles'
