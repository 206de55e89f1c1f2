"""The table that `grid` and `search` end with."""

import math

import pandas as pd
from rich.table import Table

from reports.analysis import search_trials
from reports.analysis.frames import make_comparison_frame
from reports.format.text import format_settings, make_data_label
from reports.ledger.loading import LoadedStudy
from study.console.format import format_percent, make_plain_table

MAX_TABLE_TRIALS = 5
"""Trials in the table of a search without a confirmation."""


def make_summary_table(loaded_study: LoadedStudy) -> Table:
    """Return the scores of a grid on test, or what a search found and confirmed."""
    if loaded_study.search is None:
        return make_grid_summary_table(loaded_study)
    return make_search_summary_table(loaded_study)


def make_grid_summary_table(loaded_study: LoadedStudy) -> Table:
    """The comparison of the configurations, on test, as the terminal shows it at the end."""
    frame = make_comparison_frame(loaded_study, None)
    has_published = (
        "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any()
    )
    table = make_plain_table(
        f"Scores on test in %. {make_data_label(loaded_study.study.data).short}"
    )
    table.add_column("configuration", no_wrap=True)
    # "published F1" is the weighted one; with it the table is as wide as a terminal usually is.
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


def make_search_summary_table(loaded_study: LoadedStudy) -> Table:
    """What the search found, as the terminal shows it at the end: confirmed, where it was."""
    data = make_data_label(loaded_study.study.data).short
    if loaded_study.search is not None and not loaded_study.study.trials:
        return _make_unconfirmed_table(
            search_trials.make_search_trials_frame(loaded_study.search), data
        )
    table = make_plain_table(f"Macro F1 in %, as the search found it and confirmed. {data}")
    table.add_column("configuration", no_wrap=True)
    for heading in ("seeds", "search, val", "confirmed, val", "test"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in search_trials.make_confirmation_frame(loaded_study).to_dict("records"):
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
    table = make_plain_table(f"Best val macro F1 in %, not confirmed. {data}")
    table.add_column("trial", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("settings")
    best = frame[frame["value"].notna()].sort_values("value", ascending=False, kind="stable")
    for row in best.head(MAX_TABLE_TRIALS).to_dict("records"):
        table.add_row(row["configuration"], format_percent(row["value"]), format_settings(row))
    return table
