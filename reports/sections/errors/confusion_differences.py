"""Show the cells of the confusion matrix in which two configurations differ."""

import pandas as pd

from reports import figures
from reports.analysis.confusion_differences import MAX_COMPARED, ConfusionDifferences
from reports.analysis.intervals import ALPHA
from reports.format.table import Column, Table, make_table
from reports.format.units import format_count, format_interval, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import (
    HeatMap,
    HeatMapCell,
    ReportFigure,
    Section,
    make_figure,
)

_MINUS = "\N{MINUS SIGN}"
_FEW_SEEDS = 5
_COLUMNS = (
    Column(key="a", heading=("A",)),
    Column(key="b", heading=("B",)),
    Column(key="true_label", heading=("True class",)),
    Column(key="predicted_label", heading=("Predicted as",)),
    Column(key="count_a", heading=("Images,", "A"), unit="mean"),
    Column(key="count_b", heading=("Images,", "B"), unit="mean"),
    Column(key="difference", heading=(f"A {_MINUS} B",), unit="mean"),
    Column(key="interval_text", heading=("95% confidence", "interval")),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
)


def make_section(differences: ConfusionDifferences, *, context: ReportContext) -> Section | None:
    """Make a heat map for each pair of configurations, and a figure and a table of the first.

    Args:
        differences: Cells of every pair.
        context: Labels.

    Returns:
        None if there is no pair.
    """
    if differences.first_pair is None:
        return None
    rows_by_pair = {
        pair: rows.assign(difference_text=_format_differences(rows))
        for pair, rows in differences.cells.groupby(["a", "b"], sort=False)
    }
    first_pair = rows_by_pair.pop(differences.first_pair)
    return Section(
        key="differences",
        title="Differences between confusion matrices",
        paragraphs=(
            _describe_outcome(first_pair, context),
            *_list_omissions(differences, len(rows_by_pair) + 1),
        ),
        notes=(_explain_method(),),
        heat_maps=tuple(
            _make_heat_map(pair, context) for pair in (first_pair, *rows_by_pair.values())
        ),
        figures=(_make_report_figure(first_pair, context),),
        tables=(_make_difference_table(first_pair, differences.cells, context),),
    )


def _explain_method() -> str:
    return (
        "Each cell gives the difference in test images per trial between the first and the second "
        "configuration; both classify the same images. Rows are true classes; columns are "
        "predicted classes. More is better on the diagonal and worse off the diagonal. Blue means "
        "more and orange means fewer; the shade is the size on a square-root scale. Gray numbers "
        f"are not significant (Holm-adjusted p ≥ {ALPHA:g} over the 64 cells of the pair). The "
        "paired test includes the variance from the choice of test images and, with several "
        "seeds, the variance across seeds."
    )


def _describe_outcome(pair: pd.DataFrame, context: ReportContext) -> str:
    """Describe the first pair: the number of significant cells and the largest difference."""
    significant, n_seeds = pair[pair["significant"]], int(pair["seeds"].iloc[0])
    seeds_note = ""
    if n_seeds == 1:
        seeds_note = " With one common seed, the variance across seeds is unknown."
    elif n_seeds <= _FEW_SEEDS:
        seeds_note = (
            f" With {n_seeds} seeds, only differences that are large compared with the variance "
            "across seeds are significant."
        )
    if significant.empty:
        return f"{_format_title(pair)}: no cell differs significantly.{seeds_note}"
    largest = significant.iloc[significant["difference"].abs().argmax()]
    true, predicted = (context.class_labels[int(largest[key])] for key in ("true", "predicted"))
    largest_text = (
        f"{true} classified correctly"
        if true == predicted
        else f"{true} misclassified as {predicted}"
    )
    verb = "differs" if len(significant) == 1 else "differ"
    return (
        f"{_format_title(pair)}: {len(significant)} of 64 cells {verb} significantly. The largest "
        f"difference is for {largest_text}, {largest['difference_text']} images per trial (95% "
        f"confidence interval {_format_row_interval(largest)}).{seeds_note}"
    )


def _list_omissions(differences: ConfusionDifferences, n_pairs: int) -> list[str]:
    """Name the pairs that are not shown, with the reason."""
    sentences = []
    if differences.n_models > MAX_COMPARED:
        sentences.append(
            f"Only the {MAX_COMPARED} of {differences.n_models} models with the highest macro F1 "
            "on test are compared."
        )
    n_compared = min(differences.n_models, MAX_COMPARED)
    if n_missing := n_compared * (n_compared - 1) // 2 - n_pairs:
        sentences.append(
            f"Not compared, because no seed is common: {format_count(n_missing, 'pair')}."
        )
    return [" ".join(sentences)] if sentences else []


def _make_heat_map(pair: pd.DataFrame, context: ReportContext) -> HeatMap:
    flat_cells = [
        HeatMapCell(
            text=row["difference_text"],
            shade=int(row["shade"]) if row["significant"] else 0,
            faint=not row["significant"],
        )
        for row in pair.sort_values(["true", "predicted"]).to_dict("records")
    ]
    seeds_text = format_count(int(pair["seeds"].iloc[0]), "common seed")
    n_classes = len(context.class_labels)
    return HeatMap(
        title=_format_title(pair),
        caption=(
            f"Images per trial, {seeds_text}. Rows: true; columns: predicted. Gray: not "
            "significant."
        ),
        rows=context.class_labels,
        columns=context.class_labels,
        cells=tuple(
            tuple(flat_cells[i * n_classes : (i + 1) * n_classes]) for i in range(n_classes)
        ),
    )


def _make_report_figure(pair: pd.DataFrame, context: ReportContext) -> ReportFigure:
    return make_figure(
        "difference",
        f"Difference of the confusion matrices on test, {_format_title(pair)}, in images per "
        "trial. Rows: true; columns: predicted. Gray: not significant.",
        figures.draw_confusion_difference(pair, context.class_labels, data=context.data),
        inline=False,
    )


def _make_difference_table(
    pair: pd.DataFrame, all_rows: pd.DataFrame, context: ReportContext
) -> Table:
    """List the significant cells of the first pair; the CSV has all cells of all pairs."""
    significant = pair[pair["significant"]]
    order = significant["difference"].abs().sort_values(ascending=False, kind="stable").index
    frame = significant.loc[order].assign(
        true_label=[context.class_labels[c] for c in significant.loc[order, "true"]],
        predicted_label=[context.class_labels[c] for c in significant.loc[order, "predicted"]],
        interval_text=[_format_row_interval(row) for _, row in significant.loc[order].iterrows()],
    )
    return make_table(
        "differences",
        f"Cells that differ significantly, {_format_title(pair)}",
        _COLUMNS,
        frame,
        values=all_rows.drop(columns="shade"),
        folded=True,
    )


def _format_title(pair: pd.DataFrame) -> str:
    return f"{pair['a'].iloc[0]} {_MINUS} {pair['b'].iloc[0]}"


def _format_row_interval(row: pd.Series) -> str:
    return format_interval(row["difference_low"], row["difference_high"], "mean")


def _format_differences(pair: pd.DataFrame) -> list[str]:
    """Format signed differences, with a decimal if they are means over several seeds."""
    is_mean = pair["seeds"].iloc[0] > 1
    texts = [format_number(value, "mean" if is_mean else "count") for value in pair["difference"]]
    return [f"+{t}" if v > 0 else t for t, v in zip(texts, pair["difference"], strict=True)]
