"""The published scores beside ours, with what is wrong in them."""

import pandas as pd

from reports.format.columns import BENCHMARK_COLUMNS, REPRODUCTION_COLUMNS
from reports.format.table import make_table
from reports.ledger import published
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption


def make_section(
    *, reproduction: pd.DataFrame, comparison: pd.DataFrame, context: ReportContext
) -> Section | None:
    """Put every published configuration of this study beside its published score.

    Args:
        reproduction: Frame from `reproduction.compare_with_published`.
        comparison: Frame from `frames.make_comparison_frame`.
        context: Labels.
    """
    if reproduction.empty:
        return None
    published_values = published.load_published()
    benchmark_frame = pd.DataFrame([_make_benchmark_row(row) for row in published_values.benchmark])
    return Section(
        key="published",
        title="Beside the published values",
        paragraphs=tuple(_make_paragraphs(int(comparison["seeds"].max()), context)),
        bullets=published_values.discrepancies,
        tables=(
            make_table(
                "published",
                make_caption("Weighted F1 on test, published and ours", context.data),
                REPRODUCTION_COLUMNS,
                reproduction,
            ),
            make_table(
                "benchmark",
                f"For reference: {published_values.benchmark_source}. Official BloodMNIST, not "
                "these runs",
                BENCHMARK_COLUMNS,
                benchmark_frame,
                folded=True,
            ),
        ),
    )


def _make_benchmark_row(row: published.BenchmarkMethod) -> dict[str, object]:
    fields = ("method", "resolution", "accuracy", "auc")
    return {name: getattr(row, name) for name in fields}


def _make_paragraphs(n_seeds: int, context: ReportContext) -> list[str]:
    paragraphs = [
        "The paper lists the weighted F1 of one run of each configuration. Its confusion matrices "
        "give the same score again, and an interval for the choice of test images. The range of "
        "one more run is where a single run of ours, with another seed and other images, would "
        "lie in 95 % of cases: a published value inside it is reproduced as well as one run can be."
    ]
    if context.data_kind == DataKind.FILE:
        paragraphs.append(
            "Not comparable: these data are not the file that the paper used but "
            f"{context.data.short}, so its values are a landmark and are not judged."
        )
    elif n_seeds <= 1:
        paragraphs.append(
            "With one seed the range lacks the seeds' luck. A value inside it would be inside the "
            "wider one too; of a value outside it, nothing can be told."
        )
    paragraphs.append("What the paper says that does not agree with itself or with the data:")
    return paragraphs
