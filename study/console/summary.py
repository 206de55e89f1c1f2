"""Make the table that `grid`, `search` and `resume` print at the end."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from reports.analysis.pairwise import PairwiseComparison
from reports.format.model_labels import format_model
from reports.format.table import choose_column_decimals
from reports.format.text import format_settings, make_data_label
from reports.format.units import format_interval
from reports.sections.findings import Analysis
from study.console.format import format_clock, format_percent, make_plain_table

MAX_TABLE_TRIALS = 5
"""Maximum number of trials in the table of a search without a confirmation."""

BEST_MARK = "*"


def make_summary_table(analysis: Analysis) -> Table:
    """Return the models of a grid or of a confirmation, best on val first, at most 80 columns wide.

    A search without a confirmation has its best trials instead.
    """
    study = analysis.study
    data = make_data_label(study.loaded_study.study.data).short
    if study.search is not None and not study.configurations:
        return _make_unconfirmed_table(study.search_trials, data)
    search_values: Mapping[str, float] = {}
    if study.search is not None:
        frame = study.confirmation()
        search_values = dict(zip(frame["configuration"], frame["value"], strict=True))
    return _make_model_table(analysis.comparison, analysis.pairwise, search_values, data)


def _make_model_table(
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    search_values: Mapping[str, float],
    data: str,
) -> Table:
    """Return a row for each model; configurations that train the same model share one.

    Args:
        comparison: Frame from `frames.make_comparison_frame`, with intervals.
        pairwise: Comparisons of the models.
        search_values: Best val macro F1 in the search, 0 to 1, by configuration; empty for a grid.
        data: Name of the data.
    """
    table = make_plain_table(f"Macro F1 in %, {BEST_MARK} best on val ({data})")
    table.add_column("", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    search_headings = ("search",) if search_values else ()
    for heading in (
        *("replicates", *search_headings, "val", "test", "95% interval"),
        *("best\nepoch", "time/\ntrial"),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    copied_names = [name for names in pairwise.copies.values() for name in names]
    models = comparison[~comparison["configuration"].isin(copied_names)]
    models = models.sort_values("val_macro_f1", ascending=False, kind="stable")
    decimals = choose_column_decimals(comparison, "test_macro_f1")
    for i, row in enumerate(models.to_dict("records")):
        is_best = i == 0 and row["replicates"] > 0
        name = str(row["configuration"])
        table.add_row(
            BEST_MARK if is_best else "",
            format_model(name, pairwise.copies),
            f"{row['replicates']:.0f}",
            *([format_percent(search_values[name], decimals=decimals)] if search_values else []),
            format_percent(row["val_macro_f1"], decimals=decimals),
            format_percent(row["test_macro_f1"], decimals=decimals),
            format_interval(
                row["test_macro_f1_low"], row["test_macro_f1_high"], "percent", decimals=decimals
            ),
            *_format_training(row),
            style="bold" if is_best else "",
        )
    return table


def _format_training(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the best epoch and the time of a trial; means over the replicates."""
    epoch, duration_s = row["best_epoch"], row["duration_s"]
    return (
        "-" if pd.isna(epoch) else f"{epoch:.0f}",
        "-" if pd.isna(duration_s) else format_clock(duration_s),
    )


def _make_unconfirmed_table(frame: pd.DataFrame, data: str) -> Table:
    table = make_plain_table(f"Best val macro F1 in %, not confirmed ({data})")
    table.add_column("", no_wrap=True)
    table.add_column("trial", no_wrap=True)
    for heading in ("value", "best\nepoch", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings")
    best = frame[frame["value"].notna()].sort_values("value", ascending=False, kind="stable")
    if best.empty:
        table.add_row("", "no trial has a value", "", "", "", "")
    for i, row in enumerate(best.head(MAX_TABLE_TRIALS).to_dict("records")):
        table.add_row(
            "" if i else BEST_MARK,
            row["configuration"],
            format_percent(row["value"]),
            *_format_training(row),
            format_settings(row),
            style="" if i else "bold",
        )
    return table
