"""How a search went: its history, its effort, and what chance would have done."""

import pandas as pd

from reports import figures
from reports.analysis import search_trials
from reports.format.columns import EFFORT_OF_SEARCH
from reports.format.table import table
from reports.format.text import DataWords, known_as
from reports.sections.elements import Picture, Section, caption, picture
from reports.sections.findings import Findings, Searched
from reports.sections.search_text import repeatable

_STRETCHED = "The axis is stretched towards 100 %."


def section(found: Findings) -> Section | None:
    """Figures of the history and of the expected best, a table of the effort."""
    search, data = found.search, found.data
    if search is None:
        return None
    frame = _effort(search)
    return Section(
        key="search",
        title="The search, trial by trial",
        words=(_words(search), repeatable(search)),
        tables=(table("effort", caption("Effort of the search", data), EFFORT_OF_SEARCH, frame),),
        pictures=tuple(_pictures(search, data)),
    )


def _pictures(search: Searched, data: DataWords) -> list[Picture]:
    valued = search.trials[search.trials["value"].notna()]
    if valued.empty:
        return []
    history = (
        "The best macro F1 on val of every trial, in the order of the proposals, and the best so "
        f"far. A pruned trial shows what it had reached when ASHA stopped it. {_STRETCHED}"
    )
    shown = [picture("history", history, figures.history(search.trials, data=data), data)]
    if len(valued) > 1:
        expected = search_trials.expected_best(valued["value"].to_numpy())
        text = (
            "The best of as many trials picked at random from this search's own, mean and 5 to "
            f"95 %, and the search in its own order. {_STRETCHED}"
        )
        figure = figures.expected_best(expected, valued, data=data)
        shown.append(picture("expected-best", text, figure, data))
    return shown


def _words(search: Searched) -> str:
    record = search.record
    words = (
        f"Optuna's sampler ({record.sampler}) proposed; every trial trained with seed "
        f"{record.seed} for at most {record.max_epochs} epochs. The value of a trial is its best "
        "macro F1 on val."
    )
    if len(search.trials) > 1:
        words += (
            " The grey band below shows how soon the best would have come if the same trials had "
            f"run in random order. It knows only these trials: the {known_as(record)} "
            "configurations ran first, which lifts the search above it, and a sampler that learns "
            "has its better trials later, which presses it below."
        )
    return words


def _effort(search: Searched) -> pd.DataFrame:
    """A row a state, and one for all that ended."""
    frame, last = search.trials, search.record.max_epochs
    rows = []
    for state in ("all that ended", *search_trials.STATES):
        own = frame[frame["state"] == state] if state in search_trials.STATES else frame
        if own.empty:
            continue
        spent = search_trials.effort(own, last)
        minutes = own["duration_s"].sum() / 60
        if not spent["trials"]:  # running, or unreadable: nothing is known
            spent |= {"trials": len(own), "epochs": float("nan"), "full": float("nan")}
            minutes = float("nan")
        rows.append({"state": state, **spent, "minutes": minutes})
    return pd.DataFrame(rows, columns=["state", "trials", "epochs", "full", "factor", "minutes"])
