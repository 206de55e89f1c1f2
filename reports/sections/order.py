"""The sections of the report, from the verdict to what was run.

Words, tables and pictures are put together here; what they say was computed before.
"""

from reports.sections.comparison import (
    ablation,
    claims,
    cost,
    effects,
    equivalent_losses,
    published,
    scores,
    significant_differences,
)
from reports.sections.elements import Section
from reports.sections.errors import (
    calibration,
    classes,
    confusion,
    confusion_differences,
    misclassified,
)
from reports.sections.findings import Analysis
from reports.sections.search import (
    confirmation,
    halving,
    importances,
    proposals,
    search_history,
    space,
)
from reports.sections.study import curves, provenance, summary, unfinished

_SECTION_MODULES = (
    summary,
    confirmation,
    search_history,
    halving,
    space,
    importances,
    proposals,
    scores,
    unfinished,
    significant_differences,
    effects,
    ablation,
    cost,
    equivalent_losses,
    published,
    claims,
    curves,
    classes,
    confusion,
    confusion_differences,
    calibration,
    misclassified,
    provenance,
)


def make_sections(analysis: Analysis) -> list[Section]:
    """The report; parts without content are left out."""
    optional_sections = [module.make_section(analysis) for module in _SECTION_MODULES]
    return [section for section in optional_sections if section is not None]
