"""Accuracy against what it costs, beside the published rows whose cost is known."""

from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.analysis.cost import costs
from reports.format.columns import COSTS
from reports.format.table import table
from reports.ledger import published
from reports.sections.elements import Section, caption, picture
from reports.sections.findings import Findings


def section(found: Findings) -> Section | None:
    """A figure and a table; nothing of records without their operations.

    Drawings stand beside nothing published, and nor does a search, which trains as long as the
    user says.
    """
    drawn = found.comparison[found.comparison["configuration"].isin(found.drawn)]
    frame = costs(drawn, beside=not found.data.mark and found.search is None)
    if frame.empty:
        return None
    text = (
        "Accuracy on test against parameters and against operations of one image, both on "
        "logarithmic axes. Whiskers: 95 % intervals. The axis of accuracy does not start at 0."
    )
    return Section(
        key="cost",
        title="What accuracy costs",
        words=tuple(_words(found, frame)),
        pictures=(picture("cost", text, figures.cost(frame, data=found.data), found.data),),
        tables=(
            table(
                "cost",
                caption("Accuracy on test and cost", found.data),
                COSTS,
                _shown(frame),
                values=frame,
                folded=True,
            ),
        ),
    )


def _words(found: Findings, frame: pd.DataFrame) -> Iterator[str]:
    yield (
        "Higher is better, further left is cheaper: fewer numbers to store, and fewer operations "
        "for each image that is classified. What training takes is in the comparison. "
        "Configurations of equal cost stand side by side."
    )
    if set(frame["source"]) == {"study"}:
        return
    known = published.load()
    unknown = [row.method for row in known.benchmark if row.parameters is None]
    yield (
        "Hollow marks are published values, without an interval: the paper's, of one run each, by "
        f"its matrices, and those of {known.benchmark_source}. Neither states the costs; they are "
        f"those of {known.cost_source}. What {', '.join(unknown[:-1])} and {unknown[-1]} found "
        "there has no known cost and is not drawn."
    )
    if found.evidence.study.data.kind == "file":
        yield (
            "Not comparable: these data are not the file that was used there but "
            f"{found.data.short}, so the hollow marks are a landmark."
        )


_SOURCES = {"study": "this study", "paper": "the paper", "benchmark": "MedMNIST v2"}


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """With the columns as tables want them: where a row is from, the ends of the interval."""
    names = {"low": "accuracy_low", "high": "accuracy_high"}
    return frame.rename(columns=names).assign(source=frame["source"].map(_SOURCES))
