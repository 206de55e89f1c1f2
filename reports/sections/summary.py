"""The verdict: what a reader who reads nothing else should know."""

from reports.parts import Findings, Section
from reports.prose import verdict, warnings


def section(found: Findings) -> Section:
    """The verdict in one paragraph, then what is lacking."""
    words = (verdict(found.comparison, found.pairs, found.effects), *warnings(found))
    return Section(key="summary", title="In short", words=words)
