"""The learning curves of a search, and where ASHA stopped them."""

from reports import figures
from reports.analysis.search_trials import SearchAnalysis
from reports.format.text import DataLabel, get_baseline_label
from reports.sections.elements import Section, make_figure


def make_section(search: SearchAnalysis, *, data: DataLabel) -> Section | None:
    """Make a figure; None before the first trial has ended.

    Args:
        search: What the search found.
        data: Names of the data.
    """
    if search.curves.empty:
        return None
    record = search.record
    rungs_text = ", ".join(map(str, record.rungs))
    paragraph = (
        f"At the rungs, epochs {rungs_text}, ASHA compares a trial with all that came there "
        f"before: it goes on if it is among the best 1 in {record.reduction_factor}. Nothing "
        f"waits, so the first to come are judged by few. The {get_baseline_label(record)} "
        "configurations run in full whatever they reach."
        if rungs_text
        else "There is no rung below the last epoch: no trial was stopped by ASHA."
    )
    figure = figures.draw_halving(search.curves, search.trials, record.rungs, data=data)
    caption_text = (
        "Macro F1 on val, epoch by epoch, of every trial; dotted: rungs, with how many trials "
        "came there. The axis is stretched towards 100 %."
    )
    return Section(
        key="rungs",
        title="Learning curves of the search",
        paragraphs=(paragraph,),
        figures=(make_figure("search-curves", caption_text, figure, data),),
    )
