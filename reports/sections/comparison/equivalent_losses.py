"""Configurations that are the same function, and what follows for the paper's comparison."""

from reports.analysis.equivalent_losses import EquivalentLosses
from reports.format.columns import EQUIVALENT_LOSS_COLUMNS, SEED_NOISE_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.sections.elements import Section, make_caption
from reports.sections.verdict_text import describe_equivalent_losses


def make_section(losses: EquivalentLosses, *, data: DataLabel) -> Section | None:
    """Say how many predictions differ, and what follows for the paper's differences.

    Args:
        losses: Configurations that differ only in the loss.
        data: Names of the data.
    """
    if losses.pairs.empty:
        return None
    report_tables = [
        make_table(
            "twins",
            make_caption("Predictions on test, by loss", data),
            EQUIVALENT_LOSS_COLUMNS,
            losses.pairs,
        )
    ]
    noise = losses.seed_noise
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
        paragraphs=tuple(describe_equivalent_losses(losses, data)),
        tables=tuple(report_tables),
    )
