"""Configurations that are the same function, and what follows for the paper's comparison."""

from reports.analysis.equivalent_losses import estimate_seed_noise
from reports.format.columns import EQUIVALENT_LOSS_COLUMNS, SEED_NOISE_COLUMNS
from reports.format.table import make_table
from reports.sections.elements import Section, make_caption
from reports.sections.findings import Analysis
from reports.sections.verdict_text import describe_equivalent_losses


def make_section(analysis: Analysis) -> Section | None:
    """How many predictions differ, what that means, and the paper's differences beside it."""
    frame, data = analysis.equivalent_losses, analysis.data
    if frame.empty:
        return None
    report_tables = [
        make_table(
            "twins",
            make_caption("Predictions on test, by loss", data),
            EQUIVALENT_LOSS_COLUMNS,
            frame,
        )
    ]
    noise = estimate_seed_noise(analysis.loaded_study, analysis.bootstrap, frame)
    if not data.warning and not noise.empty:
        table_caption = make_caption("The paper's differences between equal functions", data)
        display_frame = noise.assign(
            verdict=noise["within_limit"].map({True: "luck of a seed", False: "more than that"})
        )
        report_tables.append(
            make_table(
                "noise-floor", table_caption, SEED_NOISE_COLUMNS, display_frame, values=noise
            )
        )
    return Section(
        key="twins",
        title="The same function twice",
        paragraphs=tuple(describe_equivalent_losses(analysis, noise)),
        tables=tuple(report_tables),
    )
