"""Which setting mattered."""

import pandas as pd

from reports import figures
from reports.format.columns import IMPORTANCES
from reports.format.table import table
from reports.format.text import DataWords, word
from reports.format.units import plural
from reports.sections.elements import Picture, Section, caption, picture
from reports.sections.findings import Findings


def section(found: Findings) -> Section | None:
    """A figure and a table; of too few trials, the reason why there is none."""
    search, data = found.search, found.data
    if search is None or search.curves.empty:
        return None
    from reports.analysis.importance import LEAST, importances  # noqa: PLC0415 - Optuna: not for a grid

    frame = importances(search.trials, search.curves, search.record)
    shown = _shown(frame)
    words = [
        "How much of the variance of the best macro F1 on val goes with each setting alone "
        "(functional ANOVA, by Optuna), among trials that were trained equally long. What is "
        f"measured at a rung by {plural(LEAST, 'trial')} or more is shown. Importances are about "
        "the trials that were proposed, and a sampler that homes in proposes fewer bad ones. "
        "Intervals are over the trials, drawn again with replacement."
    ]
    if frame.empty:
        words.append(f"Here no rung was reached by {LEAST} trials that differ in two settings.")
    named = caption("Importances of the settings", data)
    return Section(
        key="importances",
        title="Which setting mattered",
        words=tuple(words),
        pictures=_pictures(shown, data),
        tables=()
        if frame.empty
        else (table("importances", named, IMPORTANCES, shown, values=frame, folded=True),),
    )


def _pictures(shown: pd.DataFrame, data: DataWords) -> tuple[Picture, ...]:
    if shown.empty:
        return ()
    text = "Importance of each setting, with 90 % intervals, by rung."
    figure = figures.importances(shown, data=data)
    return (picture("importances", text, figure, data),)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """With the columns that are words: among which trials, and the setting."""
    among = [
        "All trials"
        if pd.isna(row["optimizer"])
        else f"{word(row['family'])}, {word(row['optimizer'])}"
        for row in frame.to_dict("records")
    ]
    names = [str(name).replace("_", " ").capitalize() for name in frame["setting"]]
    return frame.assign(among=among, setting_text=names).sort_values(
        ["among", "rung"], kind="stable"
    )
