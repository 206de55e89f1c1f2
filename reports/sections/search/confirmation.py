"""Show the best configurations of a search, re-trained with new seeds and evaluated on test."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import CONFIRMATION_COLUMNS
from reports.format.table import choose_column_decimals, make_table
from reports.format.text import format_settings, get_baseline_label
from reports.format.units import BLANK, format_interval, format_number
from reports.sections.elements import Section


def make_section(search: SearchAnalysis, *, comparison: pd.DataFrame) -> Section | None:
    """Make a table of the re-trained configurations: score in the search and afterwards.

    Args:
        search: Results of the search.
        comparison: Frame from `frames.make_comparison_frame` for the re-trained configurations.

    Returns:
        None if no re-training is planned.
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
        replicates_text=[
            str(n) if n == n_seeds else f"{n} of {n_seeds}" for n in frame["replicates"]
        ],
    )
    return Section(
        key="confirmation",
        title="Confirmation with new seeds",
        paragraphs=tuple(_describe_outcome(search.confirmed)),
        notes=tuple(_explain_method(search)),
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


def find_best_retrained(confirmed: pd.DataFrame) -> Mapping[Any, Any] | None:
    """Return the re-trained configuration with the highest macro F1 on val.

    Args:
        confirmed: Re-trained configurations, `SearchAnalysis.confirmed`.

    Returns:
        None while none of the search's best configurations has a score.
    """
    finished = confirmed[confirmed["replicates"] > 0]
    if not (finished["role"] == "best").any():
        return None
    return max(finished.to_dict("records"), key=lambda row: row["val_macro_f1"])


def find_best_baseline(confirmed: pd.DataFrame) -> Mapping[Any, Any] | None:
    """Return the re-trained configuration, of those the search started with, that is best on val.

    Args:
        confirmed: Re-trained configurations, `SearchAnalysis.confirmed`.

    Returns:
        None while none of them has a score.
    """
    finished = confirmed[(confirmed["replicates"] > 0) & confirmed["is_baseline"].astype(bool)]
    return max(finished.to_dict("records"), key=lambda row: row["val_macro_f1"], default=None)


def _describe_outcome(confirmed: pd.DataFrame) -> Iterator[str]:
    """Compare the best configuration's score in the search with that of the new seeds."""
    best = find_best_retrained(confirmed)
    if best is None:
        yield "None of the best configurations has finished its re-training."
    elif not pd.isna(best["shrinkage"]):
        points, low, high = (best[f"shrinkage{end}"] for end in ("", "_low", "_high"))
        change, verb = (points, "lost") if points >= 0 else (-points, "gained")
        ends = (low, high) if points >= 0 else (-high, -low)
        decimals = choose_column_decimals(confirmed, "shrinkage")
        size = format_number(change, "points", decimals=decimals).lstrip("+")
        text = f"{best['configuration']} {verb} {size} points of macro F1 on val with new seeds"
        interval = format_interval(*ends, "points", decimals=decimals)
        yield f"{text}." if interval == BLANK else f"{text}, 95% confidence interval {interval}."
    without_value = confirmed.loc[confirmed["value"].isna(), "configuration"]
    if len(without_value):
        yield f"Not trained in the search: {', '.join(without_value)}."


def _explain_method(search: SearchAnalysis) -> Iterator[str]:
    record = search.record
    seeds_text = ", ".join(str(record.seed + 1 + i) for i in range(record.retrain_seeds))
    yield (
        "A search selects the best of many trials, so the value of its winner is too high on "
        "average. The best configurations were therefore re-trained in full, with seeds that the "
        f"search did not use ({seeds_text}). The best {get_baseline_label(record)} configuration "
        "was re-trained with the same seeds."
    )
    yield (
        "The shrinkage is the value in the search minus the mean value with the new seeds. Its "
        "confidence interval is over the new seeds."
    )
    yield (
        "Configurations and epochs were selected on val only. Each re-trained model was evaluated "
        "on test once."
    )
