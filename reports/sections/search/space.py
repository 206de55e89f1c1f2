"""Show the scores of a search over its search space."""

from functools import partial

from reports import figures
from reports.analysis.search_trials import SearchAnalysis, SearchTrialState, select_at_rung
from reports.format.text import DataLabel, get_baseline_label
from reports.format.units import format_count
from reports.sections.elements import Section, make_figure

_NOTE = (
    "Values after different numbers of epochs are not comparable. The figures therefore show one "
    "rung: the last that at least half as many trials reached as the first. The best setting after "
    "few epochs may not be the best after full training."
)


def make_section(search: SearchAnalysis, *, data: DataLabel) -> Section | None:
    """Make a map of learning rate and dropout, and parallel coordinates, at one rung.

    Args:
        search: Results of the search.
        data: Names of the data.

    Returns:
        None if fewer than two trials reached the rung.
    """
    rung = _choose_rung(search)
    trials_with_value = search.trials[search.trials["value"].notna()]
    frame = select_at_rung(trials_with_value, search.curves, rung)
    if len(frame) < 2:
        return None
    stopped = trials_with_value[~trials_with_value["number"].isin(frame["number"])]
    failed = search.trials[
        search.trials["state"].isin([SearchTrialState.DIVERGED, SearchTrialState.FAILED])
    ]
    epochs_text = format_count(rung, "epoch")
    map_text = (
        "Learning rate and dropout of every trial. Color: best macro F1 on val after "
        f"{epochs_text}. Ring: {get_baseline_label(search.record)} configurations. Gray: stopped "
        "earlier. Cross: diverged or failed."
    )
    parallel_text = (
        f"Settings of every trial that reached {epochs_text}, and the best macro F1 on val up to "
        "then. The best trials are drawn on top."
    )
    draw_map = partial(figures.draw_search_space, frame, stopped, failed, rung=rung, data=data)
    parallel_figure = figures.draw_parallel_coordinates(frame, search.record, rung=rung, data=data)
    return Section(
        key="search-space",
        title="Scores over the search space",
        paragraphs=(
            f"{format_count(len(frame), 'trial')} reached {epochs_text} and are compared there.",
        ),
        notes=(_NOTE,) if search.record.rungs else (),
        figures=(
            make_figure(
                "search-space", map_text, draw_map(), narrow=draw_map(narrow=True), wide=True
            ),
            make_figure("parallel-coordinates", parallel_text, parallel_figure, wide=True),
        ),
    )


def _choose_rung(search: SearchAnalysis) -> int:
    """Return the last rung that half as many trials reached as the first, or the last epoch."""
    rungs = search.record.rungs or [search.record.max_epochs]
    n_trials_by_rung = {rung: int((search.curves["epoch"] == rung).sum()) for rung in rungs}
    return max(
        level for level in rungs if n_trials_by_rung[level] >= n_trials_by_rung[rungs[0]] / 2
    )
