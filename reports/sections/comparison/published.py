"""Compare the published scores with ours, and list the errors of the paper."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from reports import figures
from reports.analysis.intervals import ALPHA
from reports.analysis.reproduction import MAX_HALF_WIDTH
from reports.format.columns import BENCHMARK_COLUMNS, REPRODUCTION_COLUMNS
from reports.format.table import make_table
from reports.format.text import label
from reports.ledger import published
from reports.ledger.states import DataKind
from reports.sections.comparison.benchmark import make_benchmark_frame
from reports.sections.context import ReportContext
from reports.sections.elements import (
    ReportFigure,
    Section,
    make_figure,
    make_slug,
)


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
    benchmark_frame = make_benchmark_frame(published_values.benchmark["bloodmnist"])
    return Section(
        key="published",
        title="Comparison with the published values",
        paragraphs=tuple(_list_caveats(int(comparison["replicates"].max()), context)),
        bullets=published_values.discrepancies,
        notes=(_explain_method(),),
        figures=tuple(_make_report_figures(comparison[comparison["replicates"] > 0], context)),
        tables=(
            make_table(
                "published",
                "Weighted F1 on test, published and this study",
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


def _make_report_figures(scored: pd.DataFrame, context: ReportContext) -> Iterator[ReportFigure]:
    """Yield a figure for each family with a row for each configuration, as in the paper."""
    models = [context.label_configuration(name) for name in scored["configuration"]]
    scored = scored.assign(model=models)
    for family in scored["family"].unique():
        rows = scored[scored["family"] == family]
        draw = partial(figures.draw_scores, rows, data=context.data)
        yield make_figure(
            f"scores-{make_slug(family)}",
            f"Macro precision, weighted F1 and macro F1 on test, {label(family)}"
            f"{context.cite_paper_figure(family, 'scores')}. Whiskers: 95% confidence intervals. "
            "The axis does not start at 0.",
            draw(),
            narrow=draw(narrow=True),
        )


def _explain_method() -> str:
    return (
        "The paper lists the weighted F1 of one run of each configuration. We recompute the score "
        "from its confusion matrices, with a confidence interval for the choice of test images. "
        "The prediction interval contains the score of one more replicate of ours, on new test "
        "images, in 95% of cases. A published value is incompatible if such a replicate would "
        f"rarely have it (p < {ALPHA:g}, Holm-adjusted over the rows). Otherwise, it is compatible "
        f"if the prediction interval is at most ±{100 * MAX_HALF_WIDTH:g} points wide. It is "
        "uninformative if the interval is wider. It is undecided if a "
        "trial of the configuration ended at the epoch limit, because more epochs can change its "
        "score."
    )


def _list_caveats(n_replicates: int, context: ReportContext) -> Iterator[str]:
    if context.data_kind == DataKind.FILE:
        yield (
            "Not comparable: these data are not the file that the paper used "
            f"({context.data.short}). The published values are for orientation only and get no "
            "verdict."
        )
    elif n_replicates <= 1:
        yield (
            "With one replicate, the prediction interval lacks the variance across replicates and "
            "is too narrow. A value inside it is compatible; a value outside it is uninformative."
        )
    if context.folds is not None:
        yield (
            f"Each model was trained on about {1 - 1 / context.folds:.0%} of train and val; the "
            "published ones were trained on train."
        )
    yield "Statements of the paper that contradict each other or the data:"
