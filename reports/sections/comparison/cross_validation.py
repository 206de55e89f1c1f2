"""Show the scores on val over the folds of a cross-validation."""

import pandas as pd

from reports.format.columns import CROSS_VALIDATION_COLUMNS
from reports.format.limitations import describe_fold_variance
from reports.format.model_labels import label_models
from reports.format.table import make_table
from reports.format.units import format_count
from reports.ledger.records import GridRecord
from reports.sections.context import ReportContext
from reports.sections.elements import Section


def make_section(
    frame: pd.DataFrame, grid: GridRecord | None, *, context: ReportContext
) -> Section | None:
    """Make a table of the scores on val; None without a cross-validation or a complete trial.

    Args:
        frame: Frame from `cross_validation.make_cross_validation_frame`.
        grid: Settings of the grid; None for a search.
        context: Labels.
    """
    if frame.empty or grid is None or grid.folds is None:
        return None
    ranked = frame.sort_values("val_macro_f1", ascending=False, kind="stable")
    hidden = ranked.index.difference(context.merge_copies(ranked).index)
    again = " The folds were drawn again for each seed." if grid.seeds > 1 else ""
    return Section(
        key="cross-validation",
        title="Cross-validation",
        paragraphs=(
            f"Train and val were divided into {format_count(grid.folds, 'fold')} with about the "
            "same number of images of each class. Each trial held out one fold as val and was "
            f"trained on the others.{again} Test was not divided.",
        ),
        tables=(
            make_table(
                "cross_validation",
                "Scores on val: mean and standard deviation over the folds",
                CROSS_VALIDATION_COLUMNS,
                label_models(ranked, context.copies),
                values=frame,
                hidden=hidden,
            ),
        ),
        notes=(
            "Identical images are in one fold, and so are those of a group, e.g. of a patient, if "
            "the data have groups.",
            "The confidence intervals use the variance of Nadeau and Bengio (2003) for overlapping "
            "training sets. They are approximate, and those of the differences are not corrected "
            "for the number of configurations.",
            "Scores on val are too high on average, because the epoch was selected by them. All "
            "other sections are about test.",
            " ".join(describe_fold_variance(grid.folds)),
        ),
    )
