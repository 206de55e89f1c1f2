"""Rank the models by their scores on test, with confidence intervals and cost."""

import math
from collections.abc import Iterator
from functools import partial

import pandas as pd

from reports import figures
from reports.analysis import frames
from reports.analysis.intervals import ALPHA
from reports.analysis.pairwise import PairwiseComparison
from reports.format.columns import COMPARISON_COLUMNS, INTERVAL_COLUMNS, TRAINING_COLUMNS
from reports.format.limitations import describe_fold_variance
from reports.format.model_labels import format_methods, format_model, label_models
from reports.format.table import Table, choose_column_decimals, make_table
from reports.format.text import DataLabel
from reports.format.units import format_number
from reports.sections.comparison import significant_differences
from reports.sections.context import MAX_PANELS, ReportContext
from reports.sections.elements import ReportFigure, Section, make_figure
from reports.sections.verdict_text import format_margin


def make_section(
    *,
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    trials: pd.DataFrame,
    context: ReportContext,
) -> Section | None:
    """Show the ranking, all scores and the training cost; None without a planned trial.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Pairs of the configurations, and their groups.
        trials: Frame from `frames.make_trials_frame`.
        context: Labels.
    """
    if comparison.empty:
        return None
    return Section(
        key="ranking",
        title="Ranking of the re-trained configurations" if context.is_search else "Ranking",
        paragraphs=tuple(_make_paragraphs(comparison, pairwise, context)),
        figures=tuple(make_ranking_figure(comparison, pairwise, context.data)),
        tables=_make_score_tables(_add_display_columns(comparison, pairwise), comparison, context),
        notes=tuple(_make_notes(comparison, pairwise, trials, folds=context.folds)),
    )


def make_ranking_figure(
    comparison: pd.DataFrame, pairwise: PairwiseComparison, data: DataLabel, name: str = "ranking"
) -> Iterator[ReportFigure]:
    """Yield the figure of the ranked models; none without a score.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Pairs of the models, and their groups.
        data: Names of the data.
        name: Name of the figure's files.
    """
    if not pairwise.ranked_names:
        return
    tied_groups, equivalent_groups = (
        [[format_model(model, pairwise.copies) for model in group] for group in groups]
        for groups in (pairwise.tied_groups, pairwise.equivalent_groups)
    )
    if pairwise.pairs.empty:  # a model is a group of its own
        tied_groups = []
    rows = comparison.assign(method=format_methods(comparison, pairwise.copies))
    rows = rows.set_index("configuration", drop=False).loc[list(pairwise.ranked_names)]
    caption_text = "Macro F1 on test with 95% confidence intervals, best first."
    if not pairwise.pairs.empty:
        caption_text += (
            " Dots on one thin bar: models that are not significantly different from each other. "
            "Dots on one thick bar: models that are equivalent within "
            f"{format_margin(pairwise.margin)}."
        )
    labeled = label_models(rows, pairwise.copies)
    draw = partial(figures.draw_ranking, labeled, tied_groups, equivalent_groups, data=data)
    yield make_figure(name, caption_text, draw(), narrow=draw(narrow=True))


def _make_score_tables(
    frame: pd.DataFrame, comparison: pd.DataFrame, context: ReportContext
) -> tuple[Table, ...]:
    """Make the tables, from the highest macro F1 on test; the copies of a model are hidden."""
    frame = frame.sort_values("test_macro_f1", ascending=False, kind="stable")
    hidden = frame.index.difference(context.merge_copies(frame).index)
    frame = label_models(frame, context.copies)
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
            hidden=hidden,
        ),
        make_table(
            "intervals",
            "More scores on test (e.g. AUC), with 95% confidence intervals",
            INTERVAL_COLUMNS,
            frame,
            values=comparison,
            hidden=hidden,
            folded=True,
        ),
        make_table(
            "training",
            "Training: epochs, time and model size",
            TRAINING_COLUMNS,
            frame,
            values=comparison[
                ["configuration", "replicates", *training_columns, *frames.SIZE_FIELDS]
            ],
            hidden=hidden,
            folded=True,
        ),
    )


def _make_paragraphs(
    comparison: pd.DataFrame, pairwise: PairwiseComparison, context: ReportContext
) -> Iterator[str]:
    if context.is_search:
        yield "This section and those below are about the re-trained configurations."
    if pairwise.copies:
        models = "; ".join(format_model(name, pairwise.copies) for name in pairwise.copies)
        yield f"These configurations train the same model and are one row: {models}."
    n_copies = sum(len(names) for names in context.copies.values())
    if len(context.displayed_names) < len(comparison) - n_copies:
        yield (
            f"Figures and long tables show the {MAX_PANELS} models of each family with the highest "
            "macro F1 on test; the CSV files hold all."
        )


def _make_notes(
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    trials: pd.DataFrame,
    *,
    folds: int | None,
) -> list[str]:
    has_replicates = comparison["replicates"].max() > 1
    paragraphs = [
        "All scores are from the epoch with the best macro F1 on val. Macro F1 on val is too high "
        "on average, because the epoch was selected by it."
    ]
    if has_replicates:
        paragraphs[0] += " ± gives the standard deviation over replicates (divisor n - 1)."
    sampling_text = "the choice of test images (the same bootstrap samples for all configurations)"
    paragraphs.append(
        f"A 95% confidence interval (CI) includes two sources of variance: {sampling_text}, and "
        "the replicates of the configuration."
        if has_replicates
        else f"A 95% confidence interval includes only one source of variance: {sampling_text}. "
        "It does not include the variance across replicates, so it is too narrow."
    )
    if folds is not None and has_replicates:
        paragraphs[-1] = " ".join([paragraphs[-1], *describe_fold_variance(folds)])
    paragraphs += [*_describe_spreads(comparison, pairwise), *_describe_cost(trials)]
    if not pairwise.pairs.empty:
        paragraphs.append(
            "Configurations that share a lower-case letter under “Group” are not significantly "
            "different. Those that share an upper-case letter are equivalent within "
            f"{format_margin(pairwise.margin)}. See "
            f"“{significant_differences.TITLE}”."
        )
    return paragraphs


def _describe_spreads(comparison: pd.DataFrame, pairwise: PairwiseComparison) -> Iterator[str]:
    """Compare the standard deviations over replicates; yield nothing for fewer than two."""
    if math.isnan(pairwise.homogeneity_p):
        return
    decimals = choose_column_decimals(comparison, "test_macro_f1")
    low, high = (
        format_number(bound(pairwise.replicate_sds.values()), "percent", decimals=decimals)
        for bound in (min, max)
    )
    outcome = "they differ" if pairwise.homogeneity_p < ALPHA else "no significant difference"
    p = format_number(pairwise.homogeneity_p, "p")
    p_text = p if p.startswith("<") else f"= {p}"
    yield (
        f"The standard deviations of macro F1 over replicates are {low} to {high} points. "
        f"Bartlett's test of equal standard deviations gives p {p_text} ({outcome}). The interval "
        "of each configuration uses its own standard deviation."
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
        "The time is for a whole trial, as a mean over the replicates. It was measured on "
        f"{' and '.join(devices)}. Other programs may have run at the same time. The images per "
        "second in the table “Training” are those of all epochs, and their time includes "
        "validation."
    )
    if len(complete_trials[["device", "host"]].drop_duplicates()) > 1:
        paragraph += " The trials ran on different hardware, so their times are not comparable."
    yield paragraph


def _add_display_columns(frame: pd.DataFrame, pairwise: PairwiseComparison) -> pd.DataFrame:
    """Add the columns of text: the method, the replicates as `2 of 3`, and the group letters."""
    replicate_texts = [
        str(n_complete) if n_complete == n_planned else f"{n_complete} of {n_planned}"
        for n_complete, n_planned in zip(
            frame["replicates"], frame["replicates_planned"], strict=True
        )
    ]
    methods = format_methods(frame, pairwise.copies)
    display_frame = frame.assign(method=methods, replicates_text=replicate_texts)
    if frame["operations"].isna().all():  # an older study
        display_frame = display_frame.drop(columns="operations")
    if not pairwise.pairs.empty:
        display_frame["group"] = significant_differences.join_letters(frame, pairwise)
    return display_frame
