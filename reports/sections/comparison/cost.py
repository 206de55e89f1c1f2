"""Plot accuracy against cost, next to the published methods whose cost is known."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from reports import figures
from reports.format.columns import COST_COLUMNS
from reports.format.model_labels import label_models
from reports.format.table import make_table
from reports.ledger import published
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_figure


def make_section(costs: pd.DataFrame, *, context: ReportContext) -> Section | None:
    """Make a figure and a table; None for records without their operations.

    Args:
        costs: Frame from `cost.collect_costs`.
        context: Labels.
    """
    if costs.empty:
        return None
    labeled = _label_models(costs, context)
    draw = partial(figures.draw_cost, labeled, data=context.data)
    caption_text = (
        "Accuracy on test against the number of parameters and the operations per image, both on "
        "logarithmic axes. Whiskers: 95% confidence intervals. The accuracy axis does not start "
        "at 0."
    )
    return Section(
        key="cost",
        title="Accuracy and cost",
        paragraphs=tuple(_list_caveats(costs, context)),
        notes=tuple(_make_notes(costs)),
        figures=(make_figure("cost", caption_text, draw(), narrow=draw(narrow=True)),),
        tables=(
            make_table(
                "cost",
                "Accuracy on test and cost",
                COST_COLUMNS,
                labeled.assign(source=costs["source"].map(_SOURCE_LABELS)),
                values=costs,
                folded=True,
            ),
        ),
    )


def _list_caveats(costs: pd.DataFrame, context: ReportContext) -> Iterator[str]:
    if _has_published(costs) and context.data_kind == DataKind.FILE:
        yield (
            "Not comparable: these data are not the file that the paper used "
            f"({context.data.short}). The hollow markers are for orientation only."
        )


def _has_published(costs: pd.DataFrame) -> bool:
    return set(costs["source"]) != {"study"}


def _make_notes(costs: pd.DataFrame) -> Iterator[str]:
    yield (
        "Models at the top left are accurate and cheap. MFLOP are millions of floating-point "
        "operations for the prediction of one image; a multiply-add counts as two. The cost "
        "of training is in “Ranking”."
    )
    if not _has_published(costs):
        return
    published_values = published.load_published()
    methods_without_cost = [
        row.method for row in published_values.benchmark["bloodmnist"] if row.parameters is None
    ]
    yield (
        "Hollow markers are published values without an interval. Those of the paper are computed "
        f"from its confusion matrices, one run each; the others are from "
        f"{published_values.benchmark_source}. Neither source states the costs, which are those of "
        f"{published_values.cost_source}. The costs of {', '.join(methods_without_cost[:-1])} and "
        f"{methods_without_cost[-1]} are unknown, so they are not drawn."
    )


_SOURCE_LABELS = {"study": "this study", "paper": "the paper", "benchmark": "MedMNIST v2"}


def _label_models(costs: pd.DataFrame, context: ReportContext) -> pd.DataFrame:
    """Name the copies of our models."""
    labeled = label_models(costs, context.copies, ("name",))
    return costs.assign(name=labeled["name"].where(costs["source"] == "study", costs["name"]))
