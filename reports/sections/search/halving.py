"""Show the learning curves of a search, and where ASHA pruned trials."""

from functools import partial

from reports import figures
from reports.analysis.search_effort import summarize_effort
from reports.analysis.search_trials import SearchAnalysis, SearchTrialState
from reports.format.text import DataLabel, get_baseline_label
from reports.format.units import format_count
from reports.ledger.search_record import SearchRecord
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
    draw = partial(figures.draw_halving, search.curves, search.trials, record.rungs, data=data)
    caption_text = (
        "Macro F1 on val by epoch for every trial. Dotted lines: rungs, with the number of trials "
        "that reached them. The axis is stretched toward 100%."
    )
    return Section(
        key="pruning",
        title="Learning curves and pruning",
        paragraphs=(_describe_outcome(search),),
        notes=(_explain_method(search.record),) if record.rungs else (),
        figures=(make_figure("search-curves", caption_text, draw(), narrow=draw(narrow=True)),),
    )


def _describe_outcome(search: SearchAnalysis) -> str:
    if not search.record.rungs:
        return "There is no rung below the last epoch, so ASHA pruned no trial."
    ended = search.trials["state"].isin([SearchTrialState.COMPLETE, SearchTrialState.PRUNED])
    n_pruned = int((search.trials["state"] == SearchTrialState.PRUNED).sum())
    effort = summarize_effort(search.trials[ended], search.record.max_epochs)
    if not effort.epochs:
        return "No trial is complete or pruned by ASHA."
    return (
        f"ASHA pruned {n_pruned:,} of {format_count(effort.trials, 'trial')}. They took "
        f"{effort.epochs:,} epochs. Without pruning, they would have taken "
        f"{effort.full_epochs:,}, {effort.speedup:.1f} times as many."
    )


def _explain_method(record: SearchRecord) -> str:
    return (
        f"At each rung (epochs {', '.join(map(str, record.rungs))}), ASHA compares a trial with "
        "the trials that reached the rung before it. The trial continues if it is in the best "
        f"1/{record.reduction_factor} of them. ASHA does not wait for other trials, so the first "
        f"ones are compared with few. It never prunes the {get_baseline_label(record)} "
        "configurations."
    )
