"""What a search found, trained again with other seeds and looked at on test."""

import pandas as pd

from reports.format.columns import CONFIRMED
from reports.format.table import table
from reports.format.text import known_as, settings
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings, Searched


def section(found: Findings) -> Section | None:
    """A row a configuration: what the search said, and what it came to."""
    search = found.search
    if search is None or search.confirmed.empty:
        return None
    frame, seeds = search.confirmed, search.record.confirm_seeds
    ends = ["configuration", "test_macro_f1_low", "test_macro_f1_high"]
    frame = frame.merge(found.comparison[ends], on="configuration", how="left")
    frame = frame.rename(
        columns={"test_macro_f1_low": "test_low", "test_macro_f1_high": "test_high"}
    )
    shown = frame.assign(
        settings=[settings(row) for row in frame.to_dict("records")],
        role_text=frame["start"].map({True: known_as(search.record), False: "found"}),
        seeds_text=[str(n) if n == seeds else f"{n} of {seeds}" for n in frame["seeds"]],
    )
    return Section(
        key="confirmation",
        title="Confirmation",
        words=tuple(_words(shown, search)),
        tables=(
            table(
                "confirmation",
                caption("Macro F1 in the search and when trained again", found.data),
                CONFIRMED,
                shown,
                values=frame,
            ),
        ),
    )


def _words(frame: pd.DataFrame, search: Searched) -> list[str]:
    first = search.record.seed + 1
    seeds = ", ".join(str(first + i) for i in range(search.record.confirm_seeds))
    words = [
        "The winner of a search is the luckiest of many: its value in the search is too high on "
        "average. So the best were trained again in full, with seeds that the search did not use "
        f"({seeds}), beside the best {known_as(search.record)} configuration. The difference is "
        "the shrinkage. Only these trials saw the test split, each once.",
        "Val chose the configuration and, in each trial, the epoch; test chose nothing. So the "
        "value to quote is the confirmed one on test.",
    ]
    unsearched = frame.loc[frame["value"].isna(), "configuration"]
    if len(unsearched):
        words.append(f"Without a value in the search: {', '.join(unsearched)}.")
    return words
