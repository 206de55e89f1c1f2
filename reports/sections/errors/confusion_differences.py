"""Show the cells of the confusion matrix in which two configurations differ."""

from collections.abc import Sequence

import pandas as pd

from reports import figures
from reports.analysis.confusion_differences import ConfusionDifferences
from reports.analysis.intervals import ALPHA
from reports.format.model_labels import label_models
from reports.format.table import Column, Table, make_table
from reports.format.units import format_count, format_interval, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import (
    HeatMap,
    HeatMapCell,
    ReportFigure,
    Section,
    arrange_cells,
    make_figure,
)
from reports.sections.errors.recall_differences import make_recall_table

_MINUS = "\N{MINUS SIGN}"
_TABLE_NAME = "confusion-differences"
_FEW_REPLICATES = 5
_PAIR_COLUMNS = (Column(key="a", heading=("A",)), Column(key="b", heading=("B",)))
_CELL_COLUMNS = (
    Column(key="true_label", heading=("True class",)),
    Column(key="predicted_label", heading=("Predicted as",)),
    Column(key="count_a", heading=("Images,", "A"), unit="mean"),
    Column(key="count_b", heading=("Images,", "B"), unit="mean"),
    Column(key="difference", heading=(f"A {_MINUS} B",), unit="mean"),
    Column(key="interval_text", heading=("95% confidence", "interval")),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
)


def make_section(differences: ConfusionDifferences, *, context: ReportContext) -> Section | None:
    """Make a heat map and a table for each pair of models, and figure files of the first.

    Args:
        differences: Cells of every pair.
        context: Labels.

    Returns:
        None if there is no pair.
    """
    if differences.first_pair is None:
        return None
    rows_by_pair = {
        pair: label_models(
            rows.assign(difference_text=_format_differences(rows)), context.copies, ("a", "b")
        )
        for pair, rows in differences.cells.groupby(["a", "b"], sort=False)
    }
    first_pair = rows_by_pair.pop(differences.first_pair)
    pairs = (first_pair, *rows_by_pair.values())
    return Section(
        key="confusion-differences",
        title="Differences between confusion matrices",
        paragraphs=(
            _describe_outcome(first_pair, context),
            *_list_omissions(differences, len(pairs)),
        ),
        notes=(_explain_method(),),
        heat_maps=tuple(
            _make_heat_map(pair, f"{_TABLE_NAME}-{i}", context)
            for i, pair in enumerate(pairs, start=1)
        )
        if context.shows_heat_maps
        else (),
        figures=(_make_report_figure(first_pair, context),),
        tables=(
            make_recall_table(pairs, context),
            _make_table_of_all(pairs, differences.cells, context),
        ),
    )


def _explain_method() -> str:
    return (
        "Each cell gives the difference in test images per trial between the first and the second "
        "model; both classify the same images. On the diagonal, more is better; off the diagonal, "
        "fewer is better. Blue means that the first model is better in the cell, and orange that "
        "it is worse; the shade is the size on a square-root scale. Gray numbers "
        f"are not significant (Holm-adjusted p ≥ {ALPHA:g} over the cells of the pair). The "
        "paired test includes the variance from the choice of test images and, with several "
        "replicates, the variance across replicates. The recall of a class is its diagonal cell in "
        "% of its images, and its p-values are adjusted over the classes of the pair."
    )


def _describe_outcome(pair: pd.DataFrame, context: ReportContext) -> str:
    """Describe the first pair: the number of significant cells and the largest difference."""
    significant, n_replicates = pair[pair["significant"]], int(pair["replicates"].iloc[0])
    replicates_note = ""
    if n_replicates == 1:
        replicates_note = " With one common replicate, the variance across replicates is unknown."
    elif n_replicates <= _FEW_REPLICATES:
        replicates_note = (
            f" With {n_replicates} replicates, only differences that are large compared with the "
            "variance across replicates are significant."
        )
    if significant.empty:
        return f"{_format_title(pair)}: no cell differs significantly.{replicates_note}"
    largest = significant.iloc[significant["difference"].abs().argmax()]
    true, predicted = (context.class_labels[int(largest[key])] for key in ("true", "predicted"))
    largest_text = (
        f"{true} classified correctly"
        if true == predicted
        else f"{true} misclassified as {predicted}"
    )
    verb = "differs" if len(significant) == 1 else "differ"
    return (
        f"{_format_title(pair)}: {len(significant)} of {len(pair)} cells {verb} significantly. The "
        f"largest difference is for {largest_text}, {largest['difference_text']} images per trial "
        f"(95% confidence interval {_format_row_interval(largest)}).{replicates_note}"
    )


def _list_omissions(differences: ConfusionDifferences, n_pairs: int) -> list[str]:
    """Name the pairs that are not shown, with the reason."""
    sentences = []
    n_compared = differences.n_compared
    if differences.n_models > n_compared:
        sentences.append(
            f"Only the {n_compared} of {differences.n_models} models with the highest macro F1 "
            "on test are compared."
        )
    if n_missing := n_compared * (n_compared - 1) // 2 - n_pairs:
        sentences.append(
            f"Not compared, because no replicate is common: {format_count(n_missing, 'pair')}."
        )
    return [" ".join(sentences)] if sentences else []


def _make_heat_map(pair: pd.DataFrame, table_name: str, context: ReportContext) -> HeatMap:
    cells = [
        HeatMapCell(
            text=row["difference_text"],
            shade=int(row["shade"]) if row["significant"] else 0,
            faint=not row["significant"],
        )
        for row in pair.sort_values(["true", "predicted"]).to_dict("records")
    ]
    replicates_text = format_count(int(pair["replicates"].iloc[0]), "common replicate")
    return HeatMap(
        title=_format_title(pair),
        caption=(
            f"Images per trial, first minus second, {replicates_text}. Rows: true; columns: "
            "predicted. Blue: the first model is better; orange: it is worse; gray: not significant"
        ),
        rows=context.class_labels,
        columns=context.class_labels,
        cells=arrange_cells(cells, len(context.class_labels)),
        table=_make_pair_table(pair, table_name, context),
        models=(str(pair["a"].iloc[0]), str(pair["b"].iloc[0])),
    )


def _make_report_figure(pair: pd.DataFrame, context: ReportContext) -> ReportFigure:
    return make_figure(
        "confusion-difference",
        f"Difference of the confusion matrices on test, {_format_title(pair)}, in images per "
        "trial, first minus second. Rows: true; columns: predicted. Blue: the first model is "
        "better; orange: it is worse; gray: not significant.",
        figures.draw_confusion_difference(pair, context.class_labels, data=context.data),
        inline=False,
    )


def _make_pair_table(pair: pd.DataFrame, name: str, context: ReportContext) -> Table | None:
    """List the significant cells of a pair; None without any."""
    frame = _select_significant(pair, context)
    if frame.empty:
        return None
    return make_table(
        name,
        f"Cells that differ significantly, {_format_title(pair)}",
        _CELL_COLUMNS,
        frame,
        files_name=_TABLE_NAME,
    )


def _make_table_of_all(
    pairs: Sequence[pd.DataFrame], all_rows: pd.DataFrame, context: ReportContext
) -> Table:
    """List the significant cells of all pairs for the files; the CSV file has all cells."""
    return make_table(
        _TABLE_NAME,
        "Cells that differ significantly",
        (*_PAIR_COLUMNS, *_CELL_COLUMNS),
        pd.concat([_select_significant(pair, context) for pair in pairs], ignore_index=True),
        values=all_rows.drop(columns="shade"),
        folded=True,
        long=True,
        on_page=not context.shows_heat_maps,
    )


def _select_significant(pair: pd.DataFrame, context: ReportContext) -> pd.DataFrame:
    """Return the significant cells with their texts, the largest difference first."""
    rows = pair[pair["significant"]]
    order = rows["difference"].abs().sort_values(ascending=False, kind="stable").index
    frame = rows.loc[order]
    return frame.assign(
        true_label=context.label_classes(frame["true"]),
        predicted_label=context.label_classes(frame["predicted"]),
        interval_text=[_format_row_interval(row) for _, row in frame.iterrows()],
    )


def _format_title(pair: pd.DataFrame) -> str:
    return f"{pair['a'].iloc[0]} compared with {pair['b'].iloc[0]}"


def _format_row_interval(row: pd.Series) -> str:
    return format_interval(row["difference_low"], row["difference_high"], "mean")


def _format_differences(pair: pd.DataFrame) -> list[str]:
    """Format signed differences, with a decimal if they are means over several replicates."""
    is_mean = pair["replicates"].iloc[0] > 1
    texts = [format_number(value, "mean" if is_mean else "count") for value in pair["difference"]]
    return [f"+{t}" if v > 0 else t for t, v in zip(texts, pair["difference"], strict=True)]
