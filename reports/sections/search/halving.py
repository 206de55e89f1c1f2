"""The learning curves of a search, and where ASHA stopped them."""

from reports import figures
from reports.format.text import known_as
from reports.sections.elements import Section, picture
from reports.sections.findings import Findings


def section(found: Findings) -> Section | None:
    """A figure."""
    search, data = found.search, found.data
    if search is None or search.curves.empty:
        return None
    record = search.record
    rungs = ", ".join(map(str, record.rungs))
    words = (
        f"At the rungs, epochs {rungs}, ASHA compares a trial with all that came there before: it "
        f"goes on if it is among the best 1 in {record.reduction}. Nothing waits, so the first to "
        f"come are judged by few. The {known_as(record)} configurations run in full whatever "
        "they reach."
        if rungs
        else "There is no rung below the last epoch: no trial was stopped by ASHA."
    )
    figure = figures.halving(search.curves, search.trials, record.rungs, data=data)
    text = (
        "Macro F1 on val, epoch by epoch, of every trial; dotted: rungs, with how many trials "
        "came there. The axis is stretched towards 100 %."
    )
    return Section(
        key="rungs",
        title="Learning curves of the search",
        words=(words,),
        pictures=(picture("search-curves", text, figure, data),),
    )
