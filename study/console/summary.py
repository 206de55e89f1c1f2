"""Make the table that `grid` and `search` print at the end."""

import math

import pandas as pd
from rich.table import Table

from reports.format.text import format_settings, make_data_label
from reports.ledger.states import StudyKind
from reports.study import Study
from study.console.format import format_percent, make_plain_table

MAX_TABLE_TRIALS = 5
"""Maximum number of trials in the table of a search without a confirmation."""


def make_summary_table(study: Study) -> Table:
    """Return the test scores of a grid, or the results of a search and its confirmation."""
    if study.kind is StudyKind.GRID:
        return _make_grid_table(study)
    return _make_search_table(study)


def _make_grid_table(study: Study) -> Table:
    """Return the test scores of the configurations."""
    frame = study.comparison()
    has_published = (
        "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any()
    )
    table = make_plain_table(
        f"Test scores in % ({make_data_label(study.loaded_study.study.data).short})"
    )
    table.add_column("configuration", no_wrap=True)
    # "published F1" is the weighted F1; a longer heading would not fit in 80 columns.
    headings = ("seeds", "accuracy", "macro F1", "weighted F1")
    for heading in (*headings, "published F1") if has_published else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in frame.to_dict("records"):
        table.add_row(
            row["configuration"],
            f"{row['seeds']:.0f}",
            *(
                format_percent(row[score], row[f"{score}_sd"])
                for score in ("test_accuracy", "test_macro_f1", "test_weighted_f1")
            ),
            *([format_percent(row["published_weighted_f1"])] if has_published else []),
        )
    return table


def _make_search_table(study: Study) -> Table:
    """Return the confirmed configurations of a search, or its best trials if none is confirmed."""
    data = make_data_label(study.loaded_study.study.data).short
    if not study.configurations:
        return _make_unconfirmed_table(study.search_trials, data)
    table = make_plain_table(f"Macro F1 in %: search and confirmation ({data})")
    table.add_column("configuration", no_wrap=True)
    for heading in ("seeds", "search, val", "confirmed, val", "test"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in study.confirmation().to_dict("records"):
        table.add_row(
            row["configuration"],
            f"{row['seeds']}",
            *(
                format_percent(row[key], row.get(f"{key}_sd", math.nan))
                for key in ("value", "val_macro_f1", "test_macro_f1")
            ),
        )
    return table


def _make_unconfirmed_table(frame: pd.DataFrame, data: str) -> Table:
    table = make_plain_table(f"Best val macro F1 in %, not confirmed ({data})")
    table.add_column("trial", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("settings")
    best = frame[frame["value"].notna()].sort_values("value", ascending=False, kind="stable")
    if best.empty:
        table.add_row("no trial has a value", "", "")
    for row in best.head(MAX_TABLE_TRIALS).to_dict("records"):
        table.add_row(row["configuration"], format_percent(row["value"]), format_settings(row))
    return table
