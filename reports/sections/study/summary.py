"""The verdict: what a reader who reads nothing else should know."""

from reports.sections.elements import Section
from reports.sections.findings import Findings
from reports.sections.search_text import outcome
from reports.sections.verdict_text import verdict, warnings


def section(found: Findings) -> Section:
    """The verdict in one paragraph, then what is lacking."""
    words = (
        [verdict(found.comparison, found.pairs, found.effects)]
        if found.search is None
        else outcome(found, found.search)
    )
    return Section(key="summary", title="In short", words=(*words, *warnings(found)))
