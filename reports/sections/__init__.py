"""The sections of the report, from the verdict to what was run.

Words, tables and pictures are put together here; what they say was computed before.
"""

from reports.parts import Findings, Section
from reports.sections import (
    ablation,
    calibration,
    claims,
    classes,
    comparison,
    confirmation,
    confusion,
    cost,
    course,
    curves,
    differences,
    effects,
    halving,
    hardest,
    importances,
    pairs,
    proposals,
    published,
    run,
    space,
    summary,
    twins,
    unfinished,
)

_ORDER = (
    summary,
    confirmation,
    course,
    halving,
    space,
    importances,
    proposals,
    comparison,
    unfinished,
    pairs,
    effects,
    ablation,
    cost,
    twins,
    published,
    claims,
    curves,
    classes,
    confusion,
    differences,
    calibration,
    hardest,
    run,
)


def sections(found: Findings) -> list[Section]:
    """The report; parts without content are left out."""
    made = [part.section(found) for part in _ORDER]
    return [section for section in made if section is not None]
