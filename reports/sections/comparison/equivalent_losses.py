"""Compare configurations whose losses are equivalent, and check the paper's differences."""

from reports.analysis.equivalent_losses import EquivalentLosses
from reports.format.columns import EQUIVALENT_LOSS_COLUMNS, SEED_NOISE_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.sections.elements import Section, make_caption
from reports.sections.verdict_text import describe_equivalent_losses


def make_section(losses: EquivalentLosses, *, data: DataLabel) -> Section | None:
    """Show how many predictions differ, and compare the paper's differences with seed noise.

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
        table_caption = make_caption(
            "Published differences between equivalent configurations", data
        )
        display_frame = noise.assign(
            verdict=noise["within_limit"]
            .map({True: "within the limit", False: "above the limit"})
            .fillna("no basis")
        )
        report_tables.append(
            make_table(
                "noise-floor", table_caption, SEED_NOISE_COLUMNS, display_frame, values=noise
            )
        )
    return Section(
        key="twins",
        title="Equivalent loss functions",
        paragraphs=tuple(describe_equivalent_losses(losses, data)),
        tables=tuple(report_tables),
    )
