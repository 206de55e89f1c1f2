"""Compare the scores of all configurations, with their confidence intervals."""

import math
from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.analysis import frames
from reports.analysis.intervals import ALPHA
from reports.analysis.pairwise import PairwiseComparison
from reports.format.columns import COMPARISON_COLUMNS, INTERVAL_COLUMNS, TRAINING_COLUMNS
from reports.format.table import Table, make_table
from reports.format.text import format_loss_and_optimizer, label
from reports.format.units import format_number
from reports.sections.comparison import significant_differences
from reports.sections.context import MAX_PANELS, ReportContext
from reports.sections.elements import ReportFigure, Section, make_figure, make_slug
from reports.sections.verdict_text import format_margin, format_model


def make_section(
    *,
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    trials: pd.DataFrame,
    context: ReportContext,
) -> Section | None:
    """Show scores, intervals and training cost; None without a planned trial.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Pairs of the configurations, and their groups.
        trials: Frame from `frames.make_trials_frame`.
        context: Labels.
    """
    if comparison.empty:
        return None
    frame = _add_display_columns(comparison, pairwise)
    scored_rows = context.select_displayed(frame[frame["seeds"] > 0])
    return Section(
        key="comparison",
        title="Comparison of the configurations",
        paragraphs=tuple(_make_paragraphs(comparison, pairwise, trials, context)),
        figures=tuple(
            _make_report_figure(family, scored_rows[scored_rows["family"] == family], context)
            for family in scored_rows["family"].unique()
        ),
        tables=_make_score_tables(frame, comparison),
    )


def _make_report_figure(family: str, rows: pd.DataFrame, context: ReportContext) -> ReportFigure:
    return make_figure(
        f"scores-{make_slug(family)}",
        f"Macro precision, weighted F1 and macro F1 on test, {label(family)}"
        f"{context.cite_paper_figure(family, 'scores')}. Whiskers: 95% confidence intervals. The "
        "axis does not start at 0.",
        figures.draw_scores(rows, data=context.data),
    )


def _make_score_tables(frame: pd.DataFrame, comparison: pd.DataFrame) -> tuple[Table, ...]:
    training_columns = [
        str(c) for c in frame.columns if str(c).removesuffix("_sd") in frames.TRAINING_FIELDS
    ]
    return (
        make_table(
            "comparison",
            "Scores on test, macro F1 on val, and cost",
            COMPARISON_COLUMNS,
            frame,
            values=comparison,
        ),
        make_table(
            "intervals",
            "More scores on test (e.g. AUC), with 95% confidence intervals",
            INTERVAL_COLUMNS,
            frame,
            values=comparison,
            folded=True,
        ),
        make_table(
            "training",
            "Training: epochs, time and model size",
            TRAINING_COLUMNS,
            frame,
            values=comparison[["configuration", "seeds", *training_columns, *frames.SIZE_FIELDS]],
            folded=True,
        ),
    )


def _make_paragraphs(
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    trials: pd.DataFrame,
    context: ReportContext,
) -> list[str]:
    has_replicates = comparison["seeds"].max() > 1
    paragraphs = [
        "Scores are on test, except one macro F1 on val. All are from the epoch with the best "
        "macro F1 on val. That score on val was selected, so it is too high on average."
    ]
    if context.is_search:
        paragraphs = [
            f"From here on, the report is about the re-trained configurations. {paragraphs[0]}"
        ]
    if has_replicates:
        paragraphs[0] += " ± gives the standard deviation over seeds (divisor n - 1)."
    sampling_text = "the choice of test images (the same bootstrap samples for all configurations)"
    paragraphs.append(
        f"A 95% confidence interval (CI) includes two sources of variance: {sampling_text} and the "
        "variance across the seeds of the configuration."
        if has_replicates
        else f"A 95% confidence interval includes only one source of variance: {sampling_text}. "
        "One seed gives no variance across seeds, so the intervals are too narrow. With another "
        "seed, a score may lie outside."
    )
    paragraphs += [*_describe_spreads(pairwise), *_describe_cost(trials)]
    if len(context.displayed_names) < len(comparison):
        paragraphs.append(
            f"Figures and long tables show the {MAX_PANELS} configurations of each family with "
            "the highest macro F1 on test; the CSV files hold all."
        )
    if not pairwise.pairs.empty:
        paragraphs.append(
            "Configurations that share a lower-case letter under “Group” are not significantly "
            "different. Those that share an upper-case letter are equivalent within "
            f"{format_margin(pairwise.margin)}. See "
            f"“{significant_differences.TITLE}”."
        )
    if pairwise.copies:
        models = "; ".join(format_model(name, pairwise.copies) for name in pairwise.copies)
        paragraphs.append(
            f"These configurations train the same model and are compared once: {models}."
        )
    return paragraphs


def _describe_spreads(pairwise: PairwiseComparison) -> Iterator[str]:
    """Compare the standard deviations over seeds; yield nothing for fewer than two."""
    if math.isnan(pairwise.homogeneity_p):
        return
    low, high = (
        format_number(bound(pairwise.seed_sds.values()), "percent") for bound in (min, max)
    )
    outcome = "they differ" if pairwise.homogeneity_p < ALPHA else "no significant difference"
    p = format_number(pairwise.homogeneity_p, "p")
    yield (
        f"The standard deviations of macro F1 over seeds are {low} to {high} points. Bartlett's "
        f"test of equal standard deviations gives p {p if p.startswith('<') else f'= {p}'} "
        f"({outcome}). Each configuration is judged by its own."
    )


def _describe_cost(trials: pd.DataFrame) -> Iterator[str]:
    """Explain the cost columns and name the hardware; yield nothing without a complete trial."""
    complete_trials = trials[trials["state"] == frames.PlannedTrialState.COMPLETE]
    devices = [
        "the CPU" if name == "cpu" else str(name) for name in complete_trials["device"].unique()
    ]
    if not devices:
        return
    paragraph = (
        "The last columns give the cost. MFLOP are millions of floating-point operations for one "
        "forward pass of one image; a multiply-add counts as two. MFLOP and parameters do not "
        "depend on the hardware. The time is for a whole trial. The table “Training” has the "
        "images per second: the training images of all epochs divided by the time of the epochs, "
        "including validation. Times are "
        f"means over the seeds, measured on {' and '.join(devices)}. Other programs may have run "
        "at the same time."
    )
    if len(complete_trials[["device", "host"]].drop_duplicates()) > 1:
        paragraph += " The trials ran on different hardware, so their times are not comparable."
    yield paragraph


def _add_display_columns(frame: pd.DataFrame, pairwise: PairwiseComparison) -> pd.DataFrame:
    """Add the columns of text: the method, the seeds as `2 of 3`, and the group letters."""
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
    if not pairwise.pairs.empty:
        display_frame["group"] = significant_differences.join_letters(frame, pairwise)
    return display_frame
