"""The comparison table: every configuration's scores with their intervals."""

from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.analysis import frames, pairwise
from reports.format.columns import COMPARISON_COLUMNS, INTERVAL_COLUMNS, TRAINING_COLUMNS
from reports.format.table import make_table
from reports.format.text import format_loss_and_optimizer, label
from reports.sections.elements import Section, make_caption, make_figure, make_slug
from reports.sections.findings import MAX_PANELS, Analysis, cite_paper_figure


def make_section(analysis: Analysis) -> Section | None:
    """Scores, their intervals, and what training took; nothing of a search without confirmation."""
    if analysis.comparison.empty:
        return None
    frame, data = _add_display_columns(analysis), analysis.data
    scored_rows = frame[
        (frame["seeds"] > 0) & frame["configuration"].isin(analysis.displayed_names)
    ]
    title_text = "Scores on test"
    training_columns = [
        str(c) for c in frame.columns if str(c).removesuffix("_sd") in frames.TRAINING_FIELDS
    ]
    return Section(
        key="comparison",
        title="Comparison of the configurations",
        paragraphs=tuple(_make_paragraphs(analysis)),
        figures=tuple(
            make_figure(
                f"scores-{make_slug(family)}",
                f"Macro precision, weighted F1 and macro F1 on test, {label(family)}"
                f"{cite_paper_figure(family, 'scores', analysis)}. Whiskers: 95 % intervals. The "
                "axis does not start at 0.",
                figures.draw_scores(scored_rows[scored_rows["family"] == family], data=data),
                data,
            )
            for family in scored_rows["family"].unique()
        ),
        tables=(
            make_table(
                "comparison",
                make_caption("Scores on test, and what they cost", data),
                COMPARISON_COLUMNS,
                frame,
                values=analysis.comparison,
            ),
            make_table(
                "intervals",
                make_caption(f"{title_text}: more of them, and their 95 % intervals", data),
                INTERVAL_COLUMNS,
                frame,
                values=analysis.comparison,
                folded=True,
            ),
            make_table(
                "training",
                make_caption("Training: epochs, time and size", data),
                TRAINING_COLUMNS,
                frame,
                values=analysis.comparison[
                    ["configuration", "seeds", *training_columns, *frames.SIZE_FIELDS]
                ],
                folded=True,
            ),
        ),
    )


def _make_paragraphs(analysis: Analysis) -> list[str]:
    has_replicates = analysis.comparison["seeds"].max() > 1
    paragraphs = ["Scores are on test, at the epoch with the best macro F1 on val."]
    if analysis.search is not None:
        paragraphs = [f"From here on it is the confirmation that is compared. {paragraphs[0]}"]
    if has_replicates:
        paragraphs[0] += " ± is the standard deviation over seeds (divisor n - 1)."
    sampling_text = "the choice of test images (the same draws of them for every configuration)"
    paragraphs.append(
        f"An interval holds two sources of luck: {sampling_text} and that of the seeds, whose "
        "variance is pooled over the configurations."
        if has_replicates
        else f"An interval holds one source of luck, {sampling_text}. With one seed nothing is "
        "known of the other, so it is too narrow: with another seed, a score may lie outside."
    )
    paragraphs += _describe_cost(analysis)
    if len(analysis.displayed_names) < len(analysis.comparison):
        paragraphs.append(
            f"Figures and long tables show the {MAX_PANELS} configurations of each family with "
            "the highest macro F1 on test; the CSV files hold all."
        )
    if not analysis.pairs.empty:
        paragraphs.append(
            "Configurations that share a letter under “Group” could not be told apart; "
            "see “Which differences are real”."
        )
    return paragraphs


def _describe_cost(analysis: Analysis) -> Iterator[str]:
    """What the columns of cost hold, and where the times were taken; nothing without a trial."""
    complete_trials = analysis.trials[analysis.trials["state"] == frames.PlannedTrialState.COMPLETE]
    devices = [
        "the CPU" if name == "cpu" else str(name) for name in complete_trials["device"].unique()
    ]
    if not devices:
        return
    paragraph = (
        "The last columns are what a configuration costs. MFLOP are millions of floating-point "
        "operations of one image's way through the network, a multiplication and its addition "
        "counted as two; they and the parameters are the same on every machine. The time is of a "
        "whole trial, and the images a second are those of train in all epochs over the time of "
        f"the epochs, validation included: means over the seeds, on {' and '.join(devices)}, "
        "beside whatever else ran there."
    )
    if len(complete_trials[["device", "host"]].drop_duplicates()) > 1:
        paragraph += " Not all trials ran on the same machine, so times compare the machines, too."
    yield paragraph


def _add_display_columns(analysis: Analysis) -> pd.DataFrame:
    """With the columns that are words: the method, the seeds as `2 of 3`, the groups' letters."""
    frame = analysis.comparison
    seed_texts = [
        str(n_complete) if n_complete == n_planned else f"{n_complete} of {n_planned}"
        for n_complete, n_planned in zip(frame["seeds"], frame["seeds_planned"], strict=True)
    ]
    method_labels = [
        format_loss_and_optimizer(loss, optimizer)
        for loss, optimizer in zip(frame["loss"], frame["optimizer"], strict=True)
    ]
    display_frame = frame.assign(method=method_labels, seeds_text=seed_texts)
    if frame["operations"].isna().all():  # an older study
        display_frame = display_frame.drop(columns="operations")
    if not analysis.pairs.empty:
        ranked_names = pairwise.rank_best_configurations(frame)
        letter_by_name = pairwise.assign_group_letters(
            ranked_names, pairwise.find_tied_groups(ranked_names, analysis.pairs)
        )
        display_frame["group"] = frame["configuration"].map(letter_by_name)
    return display_frame
