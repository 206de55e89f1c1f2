"""The published scores beside ours, with what is wrong in them."""

import pandas as pd

from reports.analysis.reproduction import reproduction
from reports.format.columns import BENCHMARK, REPRODUCTION
from reports.format.table import table
from reports.ledger import published
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings


def section(found: Findings) -> Section | None:
    """Every published configuration of this study; drawings stand beside nothing published."""
    if found.search is not None:  # it trains as long as the user says, not as the paper
        return None
    frame = reproduction(found.evidence, found.sampled)
    if frame.empty:
        return None
    theirs = published.load()
    benchmark = pd.DataFrame([_benchmark(row) for row in theirs.benchmark])
    return Section(
        key="published",
        title="Beside the published values",
        words=tuple(_words(found)),
        points=theirs.discrepancies,
        tables=(
            table(
                "published",
                caption("Weighted F1 on test, published and ours", found.data),
                REPRODUCTION,
                frame,
            ),
            table(
                "benchmark",
                f"For reference: {theirs.benchmark_source}. Official BloodMNIST, not these runs",
                BENCHMARK,
                benchmark,
                folded=True,
            ),
        ),
    )


def _benchmark(row: published.Benchmark) -> dict[str, object]:
    names = ("method", "resolution", "accuracy", "auc")
    return {name: getattr(row, name) for name in names}


def _words(found: Findings) -> list[str]:
    words = [
        "The paper lists the weighted F1 of one run of each configuration. Its confusion matrices "
        "give the same score again, and an interval for the choice of test images. The range of "
        "one more run is where a single run of ours, with another seed and other images, would "
        "lie in 95 % of cases: a published value inside it is reproduced as well as one run can be."
    ]
    if found.evidence.study.data.kind == "file":
        words.append(
            "Not comparable: these data are not the file that the paper used but "
            f"{found.data.short}, so its values are a landmark and are not judged."
        )
    elif found.comparison["seeds"].max() <= 1:
        words.append(
            "With one seed the range lacks the seeds' luck. A value inside it would be inside the "
            "wider one too; of a value outside it, nothing can be told."
        )
    words.append("What the paper says that does not agree with itself or with the data:")
    return words
