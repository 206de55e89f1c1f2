"""Accuracy against what it costs, beside the published rows whose cost is known."""

from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.format.columns import COST_COLUMNS
from reports.format.table import make_table
from reports.ledger import published
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption, make_figure


def make_section(costs: pd.DataFrame, *, context: ReportContext) -> Section | None:
    """Make a figure and a table; None for records without their operations.

    Args:
        costs: Frame from `cost.collect_costs`.
        context: Labels.
    """
    if costs.empty:
        return None
    data = context.data
    caption_text = (
        "Accuracy on test against parameters and against operations of one image, both on "
        "logarithmic axes. Whiskers: 95 % intervals. The axis of accuracy does not start at 0."
    )
    return Section(
        key="cost",
        title="What accuracy costs",
        paragraphs=tuple(_make_paragraphs(costs, context)),
        figures=(make_figure("cost", caption_text, figures.draw_cost(costs, data=data), data),),
        tables=(
            make_table(
                "cost",
                make_caption("Accuracy on test and cost", data),
                COST_COLUMNS,
                _add_display_columns(costs),
                values=costs,
                folded=True,
            ),
        ),
    )


def _make_paragraphs(costs: pd.DataFrame, context: ReportContext) -> Iterator[str]:
    yield (
        "Higher is better, further left is cheaper: fewer numbers to store, and fewer operations "
        "for each image that is classified. What training takes is in the comparison. "
        "Configurations of equal cost stand side by side."
    )
    if set(costs["source"]) == {"study"}:
        return
    published_values = published.load_published()
    methods_without_cost = [
        row.method for row in published_values.benchmark if row.parameters is None
    ]
    yield (
        "Hollow marks are published values, without an interval: the paper's, of one run each, by "
        f"its matrices, and those of {published_values.benchmark_source}. Neither states the "
        f"costs; they are those of {published_values.cost_source}. What "
        f"{', '.join(methods_without_cost[:-1])} and {methods_without_cost[-1]} found there has no "
        "known cost and is not drawn."
    )
    if context.data_kind == DataKind.FILE:
        yield (
            "Not comparable: these data are not the file that was used there but "
            f"{context.data.short}, so the hollow marks are a landmark."
        )


_SOURCE_LABELS = {"study": "this study", "paper": "the paper", "benchmark": "MedMNIST v2"}


def _add_display_columns(costs: pd.DataFrame) -> pd.DataFrame:
    """With the column that is words: where a row is from."""
    return costs.assign(source=costs["source"].map(_SOURCE_LABELS))
