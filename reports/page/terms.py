"""Select the statistical terms of a page, and link the first occurrence of each."""

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from reports.page.term_definitions import TERMS, Term
from reports.sections.elements import Section


def select_terms(sections: Sequence[Section]) -> tuple[Term, ...]:
    """Return the terms that occur in the text of any of the sections."""
    text = "\n".join(part for section in sections for part in _list_texts(section))
    return tuple(term for term in TERMS if re.search(term.pattern, text))


def _list_texts(section: Section) -> Iterator[str]:
    yield from (section.title, *section.paragraphs, *section.bullets, *section.notes)
    yield from (heat_map.caption for heat_map in section.heat_maps)
    yield from (figure.caption for figure in section.figures)
    for table in section.tables:
        yield table.caption
        yield from (" ".join(column.heading) for column in table.columns)
        yield from (
            cell
            for row in table.rows
            for column, cell in zip(table.columns, row, strict=True)
            if column.unit == "prose"
        )
    yield from (value for _, value in section.facts)


class TermLinker:
    """A template filter that links the first occurrence of each term on a page.

    A linker remembers which terms it has linked, so each page needs its own.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        """Start a page on which no term is linked yet.

        Args:
            terms: Terms that the page explains.
        """
        self._unlinked = list(terms)

    def link(self, text: str) -> Markup:
        """Return the text as HTML, with a link to the definition of each new term."""
        parts, position = [], 0
        while match := self._find_next(text, position):
            term, start, end = match
            parts.append(escape(text[position:start]))
            parts.append(
                Markup('<a class="term" href="#term-{}">{}</a>').format(term.key, text[start:end])
            )
            self._unlinked.remove(term)
            position = end
        return Markup("").join([*parts, escape(text[position:])])

    def _find_next(self, text: str, position: int) -> tuple[Term, int, int] | None:
        """Return the first term from `position` on that is not linked yet, with its place."""
        matches = (
            (match.start(), i, term, match.end())
            for i, term in enumerate(self._unlinked)
            if (match := re.compile(term.pattern).search(text, position))
        )
        first = min(matches, default=None, key=lambda item: item[:2])
        return None if first is None else (first[2], first[0], first[3])
