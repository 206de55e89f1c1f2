"""List the recall of each class for two models, with the difference."""

from collections.abc import Sequence

import pandas as pd

from reports.analysis.recall_differences import make_recall_frame
from reports.format.columns.common import make_interval_column
from reports.format.table import Column, Table, make_table
from reports.sections.context import ReportContext

_COLUMNS = (
    Column(key="a", heading=("A",)),
    Column(key="b", heading=("B",)),
    Column(key="class_label", heading=("Class",)),
    *(
        Column(
            key=f"recall_{model}",
            heading=("Recall (%),", model.upper()),
            unit="percent",
            interval_key="difference",
        )
        for model in ("a", "b")
    ),
    Column(key="difference", heading=("A \N{MINUS SIGN} B", "(points)"), unit="points"),
    make_interval_column("difference", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
)


def make_recall_table(pairs: Sequence[pd.DataFrame], context: ReportContext) -> Table:
    """Make the table of all pairs.

    Args:
        pairs: Cells of each pair, with the labels of the models.
        context: Labels.
    """
    frame = make_recall_frame(pd.concat(pairs, ignore_index=True))
    return make_table(
        "recall-differences",
        "Recall of each class, with the difference of the two models",
        _COLUMNS,
        frame.assign(class_label=context.label_classes(frame["class"])),
        values=frame,
        folded=True,
        long=len(pairs) > 1,
    )
