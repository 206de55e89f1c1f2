"""Compare the published scores with ours, and list the errors of the paper."""

import pandas as pd

from reports.analysis.intervals import ALPHA
from reports.analysis.reproduction import MAX_HALF_WIDTH
from reports.format.columns import BENCHMARK_COLUMNS, REPRODUCTION_COLUMNS
from reports.format.table import make_table
from reports.ledger import published
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption


def make_section(
    *, reproduction: pd.DataFrame, comparison: pd.DataFrame, context: ReportContext
) -> Section | None:
    """Compare every published configuration of this study with its published score.

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
        title="Comparison with the published values",
        paragraphs=tuple(_make_paragraphs(int(comparison["seeds"].max()), context)),
        bullets=published_values.discrepancies,
        tables=(
            make_table(
                "published",
                make_caption("Weighted F1 on test, published and this study", context.data),
                REPRODUCTION_COLUMNS,
                reproduction,
            ),
            make_table(
                "benchmark",
                f"For reference: {published_values.benchmark_source}, on the official BloodMNIST",
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
        "The paper lists the weighted F1 of one run of each configuration. We recompute the score "
        "from its confusion matrices, with a confidence interval for the choice of test images. "
        "The prediction interval contains the score of one more run of ours, with a new seed and "
        "new test images, in 95% of cases. A published value is incompatible if it is not from "
        f"such a run (p < {ALPHA:g}, Holm-adjusted over the rows). Otherwise, it is compatible if "
        f"the prediction interval is at most ±{100 * MAX_HALF_WIDTH:g} points wide, and "
        "uninformative if it is wider: a wide interval is not a reproduction. It is undecided if a "
        "trial of the configuration ended at the epoch limit, because more epochs can change its "
        "score."
    ]
    if context.data_kind == DataKind.FILE:
        paragraphs.append(
            "Not comparable: these data are not the file that the paper used "
            f"({context.data.short}). The published values are for orientation only and get no "
            "verdict."
        )
    elif n_seeds <= 1:
        paragraphs.append(
            "With one seed, the prediction interval lacks the variance across seeds and is too "
            "narrow. A value inside it is compatible; a value outside it is uninformative."
        )
    paragraphs.append("Statements of the paper that contradict each other or the data:")
    return paragraphs
