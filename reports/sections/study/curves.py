"""Show training loss and macro F1 on val by epoch."""

from reports import figures
from reports.analysis.learning_curves import LearningCurves
from reports.figures.curves import MAX_SEED_LINES, MIN_SEEDS_FOR_BAND
from reports.format.text import label
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_figure, make_slug


def _describe_lines(n_seeds: int) -> str:
    """Explain the lines of a panel."""
    text = "Gray: other configurations. Ring: epoch whose weights were kept."
    if n_seeds > 1:
        text = f"Bold: mean over seeds, up to the last epoch that all of them ran. {text}"
    if n_seeds >= MIN_SEEDS_FOR_BAND:
        text = f"Band: mean ± standard deviation over seeds. {text}"
    return f"Thin: one seed. {text}" if 1 < n_seeds <= MAX_SEED_LINES else text


def make_section(
    curves: LearningCurves, *, has_equivalent_losses: bool, context: ReportContext
) -> Section | None:
    """Make a figure for each family and quantity; None without a complete trial.

    Args:
        curves: Learning curves of the trials.
        has_equivalent_losses: Whether some configurations differ only in the loss.
        context: Labels.
    """
    frame = context.select_displayed(curves.epochs)
    if frame.empty:
        return None
    means = context.select_displayed(curves.means)
    lines_text = _describe_lines(frame.groupby("configuration")["seed"].nunique().max())
    report_figures = []
    for column, title in (("train_loss", "Training loss"), ("val_macro_f1", "Macro F1 on val")):
        for family in frame["family"].unique():
            family_rows = frame[frame["family"] == family]
            family_means = means[means["configuration"].isin(family_rows["configuration"])]
            report_figures.append(
                make_figure(
                    f"{column.replace('_', '-')}-{make_slug(family)}",
                    f"{title}, {label(family)}{context.cite_paper_figure(family, column)}. "
                    f"{lines_text}",
                    figures.draw_curves(
                        family_rows, family_means, column=column, data=context.data
                    ),
                )
            )
    title = (
        "Learning curves of the re-trained configurations"
        if context.is_search
        else "Learning curves"
    )
    note = "The training loss is the mean over an epoch, with dropout active."
    if has_equivalent_losses:
        note += (
            " Configurations that differ only in the loss are the same function, so equal curves "
            "are expected."
        )
    return Section(key="learning-curves", title=title, notes=(note,), figures=tuple(report_figures))
