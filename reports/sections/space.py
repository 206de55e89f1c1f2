"""Where in its space a search found what."""

from reports import figures, searches
from reports.parts import Findings, Section, picture
from reports.typeset import plural


def section(found: Findings) -> Section | None:
    """A map of learning rate and dropout, and parallel coordinates, at the first rung."""
    search, data = found.search, found.data
    if search is None:
        return None
    # Without a rung, every trial that came to its end was trained equally long there.
    rung = next(iter(search.record.rungs), search.record.max_epochs)
    frame = searches.at_rung(search.trials, search.curves, rung)
    frame = frame[frame["value"].notna()]
    if len(frame) < 2:
        return None
    lost = search.trials[search.trials["state"].isin(["diverged", "failed"])]
    epochs = plural(rung, "epoch")
    map_text = (
        "Learning rate and dropout of every trial; colour: the best macro F1 on val after "
        f"{epochs}. Ring: published configurations. Cross: diverged or failed."
    )
    parallel_text = (
        f"The settings of every trial, and the best macro F1 on val after {epochs}. The best are "
        "drawn on top."
    )
    shown = figures.parallel(frame, search.record, rung=rung, data=data)
    return Section(
        key="space",
        title="Where good settings lie",
        words=(
            f"Trials are compared after {epochs}, which {plural(len(frame), 'trial')} reached: "
            "values after different numbers of epochs are not comparable. What is best so early "
            "need not be best in the end.",
        ),
        pictures=(
            picture(
                "space", map_text, figures.space(frame, lost, rung=rung, data=data), data, wide=True
            ),
            picture("parallel", parallel_text, shown, data, wide=True),
        ),
    )
