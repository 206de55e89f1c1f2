"""Show the checklists and the paragraph on the methods, folded."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from reports.format.table import Column, Table, make_table
from reports.sections.elements import Section
from reports.sections.paper.answer import join_words
from reports.sections.paper.checklist_item import ChecklistItem, ItemStatus, answer_item, get_status
from reports.sections.paper.claim_2024 import CLAIM_2024
from reports.sections.paper.facts import PaperFacts
from reports.sections.paper.methods import format_citations, write_methods
from reports.sections.paper.tripod_ai import TRIPOD_AI

_COLUMNS = (
    Column(key="item", heading=("Item",)),
    Column(key="subject", heading=("Subject",), unit="prose"),
    Column(key="answer", heading=("From this study",), unit="prose"),
    Column(key="to_add", heading=("For the author",), unit="prose"),
)


_CHECKLISTS: Mapping[str, tuple[str, Sequence[ChecklistItem]]] = {
    "checklist-claim": ("CLAIM 2024", CLAIM_2024),
    "checklist-tripod-ai": ("TRIPOD+AI", TRIPOD_AI),
}
"""Titles and items by name of the table."""


def make_section(facts: PaperFacts) -> Section:
    """Write the paragraphs on the methods, then both checklists, filled as far as possible.

    Args:
        facts: Facts of the study.
    """
    tables = make_checklists(facts)
    counts = "; ".join(map(_describe_counts, tables))
    return Section(
        key="methods",
        title="Methods and checklists",
        paragraphs=(
            "A text on the methods, and two checklists for authors and reviewers. This study "
            f"answers a part of their items: {counts}. The author has to check the answers and to "
            "add the rest. The files checklist.md, methods.md and references.bib have the same "
            "contents.",
            *map(format_citations, write_methods(facts)),
        ),
        tables=tables,
        folded=True,
    )


def make_checklists(facts: PaperFacts) -> tuple[Table, ...]:
    """Return the tables of CLAIM 2024 and of TRIPOD+AI.

    Args:
        facts: Facts of the study.

    Returns:
        Tables whose `values` have a row for each item: `item`, `subject`, `status` (an
        `ItemStatus`), `answer` and `to_add` (str).
    """
    return tuple(
        _make_table(name, title, items, facts) for name, (title, items) in _CHECKLISTS.items()
    )


def _make_table(name: str, title: str, items: Sequence[ChecklistItem], facts: PaperFacts) -> Table:
    answers = [answer_item(item, facts) for item in items]
    frame = pd.DataFrame(
        {
            "item": [item.number for item in items],
            "subject": [item.subject for item in items],
            "status": [str(get_status(answer)) for answer in answers],
            "answer": [answer.text for answer in answers],
            "to_add": [answer.to_add for answer in answers],
        }
    )
    return make_table(name, title, _COLUMNS, frame, long=True)


def _describe_counts(table: Table) -> str:
    counts = Counter(table.values["status"])
    parts = join_words(f"{counts[status]} {status}" for status in ItemStatus)
    return f"{_CHECKLISTS[table.name][0]}, {parts}"
