"""Show the learning curves of a search and the rungs of ASHA."""

from reports import figures
from reports.analysis.search_trials import SearchAnalysis
from reports.format.text import DataLabel, get_baseline_label
from reports.sections.elements import Section, make_figure


def make_section(search: SearchAnalysis, *, data: DataLabel) -> Section | None:
    """Make a figure; None before the first trial has ended.

    Args:
        search: Results of the search.
        data: Names of the data.
    """
    if search.curves.empty:
        return None
    record = search.record
    rungs_text = ", ".join(map(str, record.rungs))
    paragraph = (
        f"At each rung (epochs {rungs_text}), ASHA compares a trial with all trials that reached "
        f"the rung before it. The trial continues if it is in the best 1/{record.reduction_factor} "
        "of them. ASHA does not wait for other trials, so the first trials are compared with few "
        f"others. The {get_baseline_label(record)} configurations are never stopped."
        if rungs_text
        else "There is no rung below the last epoch, so ASHA stopped no trial."
    )
    figure = figures.draw_halving(search.curves, search.trials, record.rungs, data=data)
    caption_text = (
        "Macro F1 on val by epoch for every trial. Dotted lines: rungs, with the number of trials "
        "that reached them. The axis is stretched toward 100%."
    )
    return Section(
        key="pruning",
        title="Learning curves of the search",
        paragraphs=(paragraph,),
        figures=(make_figure("search-curves", caption_text, figure),),
    )
