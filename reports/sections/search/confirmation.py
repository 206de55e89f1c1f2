"""Show the best configurations of a search, re-trained with new seeds and evaluated on test."""

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import CONFIRMATION_COLUMNS
from reports.format.table import make_table
from reports.format.text import format_settings, get_baseline_label
from reports.sections.elements import Section


def make_section(search: SearchAnalysis, *, comparison: pd.DataFrame) -> Section | None:
    """Make a table of the re-trained configurations: score in the search and afterwards.

    Args:
        search: Results of the search.
        comparison: Frame from `frames.make_comparison_frame` for the re-trained configurations.
    """
    if search.confirmed.empty:
        return None
    frame, n_seeds = search.confirmed, search.record.retrain_seeds
    interval_columns = ["configuration", "test_macro_f1_low", "test_macro_f1_high"]
    frame = frame.merge(comparison[interval_columns], on="configuration", how="left")
    display_frame = frame.assign(
        settings=[format_settings(row) for row in frame.to_dict("records")],
        origin_label=frame["is_baseline"].map(
            {True: get_baseline_label(search.record), False: "from the search"}
        ),
        seeds_text=[str(n) if n == n_seeds else f"{n} of {n_seeds}" for n in frame["seeds"]],
    )
    return Section(
        key="confirmation",
        title="Confirmation with new seeds",
        paragraphs=tuple(_make_paragraphs(display_frame, search)),
        tables=(
            make_table(
                "confirmation",
                "Macro F1 in the search and after re-training",
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
        "The winner of a search was selected as the best of many trials, so its value in the "
        "search is too high on average. The best configurations were therefore re-trained in full "
        f"with seeds that the search did not use ({seeds_text}), and so was the best "
        f"{get_baseline_label(search.record)} configuration. The difference between the two values "
        "is the shrinkage; its confidence interval is over the new seeds. Only the re-trained "
        "models were evaluated on test, once each.",
        "The configuration and the epoch of each trial were selected on val; nothing was selected "
        "on test. The value to quote is the one on test after re-training.",
    ]
    without_value = frame.loc[frame["value"].isna(), "configuration"]
    if len(without_value):
        paragraphs.append(
            f"Configurations without a value in the search: {', '.join(without_value)}."
        )
    return paragraphs
