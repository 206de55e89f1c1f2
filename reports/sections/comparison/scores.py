"""The comparison table: every configuration's scores with their intervals."""

from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.analysis import frames, pairwise
from reports.format.columns import COMPARISON, EFFORT, INTERVALS
from reports.format.table import table
from reports.format.text import method, word
from reports.sections.elements import Section, caption, picture, slug
from reports.sections.findings import DRAWN_AT_MOST, Findings, beside


def section(found: Findings) -> Section | None:
    """Scores, their intervals, and what training took; nothing of a search without confirmation."""
    if found.comparison.empty:
        return None
    frame, data = _shown(found), found.data
    scored = frame[(frame["seeds"] > 0) & frame["configuration"].isin(found.drawn)]
    named = "Scores on test"
    effort = [str(c) for c in frame.columns if str(c).removesuffix("_sd") in frames.EFFORT]
    return Section(
        key="comparison",
        title="Comparison of the configurations",
        words=tuple(_words(found)),
        pictures=tuple(
            picture(
                f"scores-{slug(family)}",
                f"Macro precision, weighted F1 and macro F1 on test, {word(family)}"
                f"{beside(family, 'scores', found)}. Whiskers: 95 % intervals. The axis does not "
                "start at 0.",
                figures.scores(scored[scored["family"] == family], data=data),
                data,
            )
            for family in scored["family"].unique()
        ),
        tables=(
            table(
                "comparison",
                caption("Scores on test, and what they cost", data),
                COMPARISON,
                frame,
                values=found.comparison,
            ),
            table(
                "intervals",
                caption(f"{named}: more of them, and their 95 % intervals", data),
                INTERVALS,
                frame,
                values=found.comparison,
                folded=True,
            ),
            table(
                "training",
                caption("Training: epochs, time and size", data),
                EFFORT,
                frame,
                values=found.comparison[["configuration", "seeds", *effort, *frames.SIZE]],
                folded=True,
            ),
        ),
    )


def _words(found: Findings) -> list[str]:
    several = found.comparison["seeds"].max() > 1
    words = ["Scores are on test, at the epoch with the best macro F1 on val."]
    if found.search is not None:
        words = [f"From here on it is the confirmation that is compared. {words[0]}"]
    if several:
        words[0] += " ± is the standard deviation over seeds (divisor n - 1)."
    images = "the choice of test images (the same draws of them for every configuration)"
    words.append(
        f"An interval holds two sources of luck: {images} and that of the seeds, whose variance "
        "is pooled over the configurations."
        if several
        else f"An interval holds one source of luck, {images}. With one seed nothing is known "
        "of the other, so it is too narrow: with another seed, a score may lie outside."
    )
    words += _cost(found)
    if len(found.drawn) < len(found.comparison):
        words.append(
            f"Figures and long tables show the {DRAWN_AT_MOST} configurations of each family with "
            "the highest macro F1 on test; the CSV files hold all."
        )
    if not found.pairs.empty:
        words.append(
            "Configurations that share a letter under “Group” could not be told apart; "
            "see “Which differences are real”."
        )
    return words


def _cost(found: Findings) -> Iterator[str]:
    """What the columns of cost hold, and where the times were taken; nothing without a trial."""
    done = found.trials[found.trials["status"] == "complete"]
    devices = ["the CPU" if name == "cpu" else str(name) for name in done["device"].unique()]
    if not devices:
        return
    text = (
        "The last columns are what a configuration costs. MFLOP are millions of floating-point "
        "operations of one image's way through the network, a multiplication and its addition "
        "counted as two; they and the parameters are the same on every machine. The time is of a "
        "whole trial, and the images a second are those of train in all epochs over the time of "
        f"the epochs, validation included: means over the seeds, on {' and '.join(devices)}, "
        "beside whatever else ran there."
    )
    if len(done[["device", "host"]].drop_duplicates()) > 1:
        text += " Not all trials ran on the same machine, so times compare the machines, too."
    yield text


def _shown(found: Findings) -> pd.DataFrame:
    """With the columns that are words: the method, the seeds as `2 of 3`, the groups' letters."""
    frame = found.comparison
    seeds = [
        str(done) if done == planned else f"{done} of {planned}"
        for done, planned in zip(frame["seeds"], frame["seeds_planned"], strict=True)
    ]
    methods = [
        method(loss, optimizer)
        for loss, optimizer in zip(frame["loss"], frame["optimizer"], strict=True)
    ]
    shown = frame.assign(method=methods, seeds_text=seeds)
    if frame["operations"].isna().all():  # an older study
        shown = shown.drop(columns="operations")
    if not found.pairs.empty:
        leading = pairwise.leading(frame)
        marks = pairwise.letters(leading, pairwise.groups(leading, found.pairs))
        shown["group"] = frame["configuration"].map(marks)
    return shown
