"""What a search found, trained again with other seeds and looked at on test."""

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import CONFIRMATION_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, format_settings, get_baseline_label
from reports.sections.elements import Section, make_caption


def make_section(
    search: SearchAnalysis, *, comparison: pd.DataFrame, data: DataLabel
) -> Section | None:
    """Make a table of the configurations: what the search said, and what it came to.

    Args:
        search: What the search found.
        comparison: Frame from `frames.make_comparison_frame`, of the confirmation.
        data: Names of the data.
    """
    if search.confirmed.empty:
        return None
    frame, n_seeds = search.confirmed, search.record.retrain_seeds
    interval_columns = ["configuration", "test_macro_f1_low", "test_macro_f1_high"]
    frame = frame.merge(comparison[interval_columns], on="configuration", how="left")
    display_frame = frame.assign(
        settings=[format_settings(row) for row in frame.to_dict("records")],
        origin_label=frame["is_baseline"].map(
            {True: get_baseline_label(search.record), False: "found"}
        ),
        seeds_text=[str(n) if n == n_seeds else f"{n} of {n_seeds}" for n in frame["seeds"]],
    )
    return Section(
        key="confirmation",
        title="Confirmation",
        paragraphs=tuple(_make_paragraphs(display_frame, search)),
        tables=(
            make_table(
                "confirmation",
                make_caption("Macro F1 in the search and when trained again", data),
                CONFIRMATION_COLUMNS,
                display_frame,
                values=frame,
            ),
        ),
    )


def _make_paragraphs(frame: pd.DataFrame, search: SearchAnalysis) -> list[str]:
    first_seed = search.record.seed + 1
    seeds_text = ", ".join(str(first_seed + i) for i in range(search.record.retrain_seeds))
    paragraphs = [
        "The winner of a search is the luckiest of many: its value in the search is too high on "
        "average. So the best were trained again in full, with seeds that the search did not use "
        f"({seeds_text}), beside the best {get_baseline_label(search.record)} configuration. The "
        "difference is the shrinkage. Only these trials saw the test split, each once.",
        "Val chose the configuration and, in each trial, the epoch; test chose nothing. So the "
        "value to quote is the confirmed one on test.",
    ]
    without_value = frame.loc[frame["value"].isna(), "configuration"]
    if len(without_value):
        paragraphs.append(f"Without a value in the search: {', '.join(without_value)}.")
    return paragraphs
