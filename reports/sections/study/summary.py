"""The verdict: what a reader who reads nothing else should know."""

from reports.sections.elements import Section
from reports.sections.findings import Analysis
from reports.sections.search_text import describe_search
from reports.sections.verdict_text import describe_verdict, list_warnings


def make_section(analysis: Analysis) -> Section:
    """The verdict in one paragraph, then what is lacking."""
    paragraphs = (
        [describe_verdict(analysis.comparison, analysis.pairs, analysis.effects)]
        if analysis.search is None
        else describe_search(analysis, analysis.search)
    )
    return Section(
        key="summary", title="In short", paragraphs=(*paragraphs, *list_warnings(analysis))
    )
