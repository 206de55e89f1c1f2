"""Where in its space a search found what."""

from reports import figures
from reports.analysis import search_trials
from reports.format.text import known_as
from reports.format.units import plural
from reports.sections.elements import Section, picture
from reports.sections.findings import Findings, Searched


def section(found: Findings) -> Section | None:
    """A map of learning rate and dropout, and parallel coordinates, at one rung."""
    search, data = found.search, found.data
    if search is None:
        return None
    rung = _rung(search)
    valued = search.trials[search.trials["value"].notna()]
    frame = search_trials.at_rung(valued, search.curves, rung)
    if len(frame) < 2:
        return None
    early = valued[~valued["number"].isin(frame["number"])]
    lost = search.trials[search.trials["state"].isin(["diverged", "failed"])]
    epochs = plural(rung, "epoch")
    map_text = (
        "Learning rate and dropout of every trial; colour: the best macro F1 on val after "
        f"{epochs}. Ring: {known_as(search.record)} configurations. Grey: stopped before. Cross: "
        "diverged or failed."
    )
    parallel_text = (
        f"The settings of every trial that came to {epochs}, and the best macro F1 on val there. "
        "The best are drawn on top."
    )
    mapped = figures.space(frame, early, lost, rung=rung, data=data)
    shown = figures.parallel(frame, search.record, rung=rung, data=data)
    return Section(
        key="space",
        title="Where good settings lie",
        words=(
            f"Trials are compared after {epochs}, the last rung that at least half of them came to "
            f"({plural(len(frame), 'trial')}): values after different numbers of epochs are not "
            "comparable. What is best so early need not be best in the end."
            if search.record.rungs
            else f"{plural(len(frame), 'trial')} came to {epochs}, and are compared there.",
        ),
        pictures=(
            picture("space", map_text, mapped, data, wide=True),
            picture("parallel", parallel_text, shown, data, wide=True),
        ),
    )


def _rung(search: Searched) -> int:
    """The last that half of the trials came to; where there is none, the end of training."""
    levels = search.record.rungs or [search.record.max_epochs]
    came = {level: int((search.curves["epoch"] == level).sum()) for level in levels}
    return max(level for level in levels if came[level] >= came[levels[0]] / 2)
