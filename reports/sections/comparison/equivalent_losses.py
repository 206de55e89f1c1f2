"""Configurations that are the same function, and what follows for the paper's comparison."""

from reports.analysis.equivalent_losses import noise_floor
from reports.format.columns import NOISE, TWINS
from reports.format.table import table
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings
from reports.sections.verdict_text import same_function


def section(found: Findings) -> Section | None:
    """How many predictions differ, what that means, and the paper's differences beside it."""
    frame, data = found.twins, found.data
    if frame.empty:
        return None
    tables = [table("twins", caption("Predictions on test, by loss", data), TWINS, frame)]
    noise = noise_floor(found.evidence, found.sampled, frame)
    if not data.mark and not noise.empty:
        named = caption("The paper's differences between equal functions", data)
        shown = noise.assign(
            verdict=noise["within"].map({True: "luck of a seed", False: "more than that"})
        )
        tables.append(table("noise-floor", named, NOISE, shown, values=noise))
    return Section(
        key="twins",
        title="The same function twice",
        words=tuple(same_function(found, noise)),
        tables=tuple(tables),
    )
