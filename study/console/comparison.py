"""Print the tables of `bloodstudy compare`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from reports.analysis.effects import estimate_effects
from reports.analysis.study_comparison import DataSetComparison, compare_with_best
from reports.format.model_labels import format_model
from reports.format.table import choose_column_decimals
from reports.format.text import make_data_label
from reports.format.units import choose_decimals, format_interval, format_number
from reports.sections.verdict_text import describe_effects, describe_verdict
from study.console.format import format_percent, make_output_console, make_plain_table


def print_comparison(data_sets: Sequence[DataSetComparison]) -> None:
    """Print the result and a table for each data set to standard output."""
    console = make_output_console()
    for i, data_set in enumerate(data_sets):
        if i:
            console.print()
        console.print(
            make_data_label(data_set.data).short,
            describe_verdict(data_set.scores, data_set.compared),
            *describe_effects(estimate_effects(data_set.bootstrap)),
            sep="\n",
            markup=False,
        )
        console.print()
        console.print(make_comparison_table(data_set))
    if len(data_sets) > 1:
        console.print("\nStudies of different data are not compared.")


def make_comparison_table(data_set: DataSetComparison) -> Table:
    """Return a table with a row per model and its difference from the best on val."""
    table = make_plain_table()
    table.add_column("configuration", overflow="fold")
    for heading in ("macro F1 (%)", "difference", "95% interval"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("decision")
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    rows = compare_with_best(data_set)
    score_decimals = choose_column_decimals(data_set.scores, "test_macro_f1")
    points_decimals = choose_decimals(rows["low"], rows["high"])
    for row in rows.to_dict("records"):
        table.add_row(*_format_row(row, score_decimals, points_decimals))
    return table


def _format_row(
    row: Mapping[Any, Any], score_decimals: int, points_decimals: int
) -> list[str | Text]:
    prefix = f"{row['study']}: "
    copies = [name.removeprefix(prefix) for name in row["copies"]]
    configuration = str(row["configuration"])
    name = Text(format_model(configuration, {configuration: copies}))
    score = format_percent(row["test_macro_f1"], row["test_macro_f1_sd"], decimals=score_decimals)
    if not isinstance(row["decision"], str):
        return [name, score, "", "", "best on val", ""]
    return [
        name,
        score,
        format_number(row["difference"], "points", decimals=points_decimals),
        format_interval(row["low"], row["high"], "points", decimals=points_decimals),
        row["decision"],
        format_number(row["p_holm"], "p"),
    ]
