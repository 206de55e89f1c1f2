"""Show the scores of the MedMNIST v2 benchmark beside those of a study on the same data set."""

from collections.abc import Sequence

import pandas as pd

from reports.format.columns import BENCHMARK_COLUMNS, MEDMNIST_COLUMNS
from reports.format.table import make_table
from reports.ledger.published import BenchmarkMethod, load_published
from reports.sections.context import ReportContext
from reports.sections.elements import Section


def make_benchmark_frame(methods: Sequence[BenchmarkMethod]) -> pd.DataFrame:
    """Return the scores of the benchmark, a row for each method.

    Args:
        methods: Results on one data set.
    """
    keys = [column.key for column in BENCHMARK_COLUMNS]
    return pd.DataFrame([{key: getattr(method, key) for key in keys} for method in methods])


def make_section(*, comparison: pd.DataFrame, context: ReportContext) -> Section | None:
    """Compare a study with the benchmark; None for other data, or without scores on test.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        context: Labels.
    """
    published_values, file = load_published(), context.medmnist_file
    methods = () if file is None else published_values.benchmark.get(file.data_set.name, ())
    scored = context.select_displayed(comparison[comparison["replicates"] > 0])
    if file is None or not methods or scored.empty:
        return None
    ours = pd.DataFrame(
        {
            "method": scored["configuration"],
            "resolution": file.side,
            **{
                f"{score}{end}": scored[f"test_{score}{end}"]
                for score in ("accuracy", "auc")
                for end in ("", "_low", "_high")
            },
        }
    ).assign(source="this study")
    theirs = make_benchmark_frame(methods).assign(source="MedMNIST v2")
    rows = pd.concat([ours, theirs], ignore_index=True)
    return Section(
        key="published",
        title="Comparison with the MedMNIST v2 benchmark",
        paragraphs=(
            "The test images are the same, apart from their resolution. The benchmark states no "
            "intervals, and its methods and settings differ from those of this study in many ways.",
        ),
        notes=(
            "The benchmark's networks with 224 pixels were trained on images of 28 pixels that "
            "were enlarged. They saw no more detail than the others.",
        ),
        tables=(
            make_table(
                "benchmark",
                f"Scores on test, this study and {published_values.benchmark_source}",
                MEDMNIST_COLUMNS,
                rows.reindex(columns=_COLUMN_ORDER),
            ),
        ),
    )


_COLUMN_ORDER = (
    *("source", "method", "resolution", "accuracy", "accuracy_low", "accuracy_high"),
    *("auc", "auc_low", "auc_high"),
)
