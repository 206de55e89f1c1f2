"""What family, loss and optimizer change, each as one contrast over the grid."""

import pandas as pd

from reports import figures
from reports.format.columns import EFFECT_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, label
from reports.sections.elements import Section, make_caption, make_figure
from reports.sections.verdict_text import format_contrast_label


def make_section(effects: pd.DataFrame, *, data: DataLabel) -> Section | None:
    """Make a figure and a table.

    Args:
        effects: Frame from `effects.estimate_effects`.
        data: Names of the data.
    """
    frame = _add_display_columns(effects)
    if frame.empty:
        return None
    paragraph = (
        "Each line compares configurations that differ in that one choice and are equal in all "
        "else, and takes the mean of their differences, on the same test images and seeds. The "
        "optimizer brings its own learning rate and momentum. Where the two families answer "
        "differently, the lines within each family say more than the line over both."
    )
    caption_text = "What one choice changes in macro F1 on test, with 95 % intervals."
    return Section(
        key="effects",
        title="What each choice changes",
        paragraphs=(paragraph,),
        figures=(
            make_figure("effects", caption_text, figures.draw_effects(frame, data=data), data),
        ),
        tables=(
            make_table(
                "effects",
                make_caption("What one choice changes in macro F1 on test", data),
                EFFECT_COLUMNS,
                frame,
                values=effects,
            ),
        ),
    )


def _add_display_columns(effects: pd.DataFrame) -> pd.DataFrame:
    """With the columns that are words: what instead of what, and where."""
    return effects.assign(
        interval_low=effects["low"],
        interval_high=effects["high"],
        contrast_label=[format_contrast_label(row) for row in effects.to_dict("records")],
        family_label=["all" if family == "all" else label(family) for family in effects["scope"]],
    )
