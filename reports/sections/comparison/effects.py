"""Show the effects of family, loss and optimizer, each as one contrast over the grid."""

from functools import partial

import pandas as pd

from reports import figures
from reports.format.columns import EFFECT_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel, label
from reports.sections.elements import Section, make_figure
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
        "Each row compares configurations that differ only in that choice. It gives the mean of "
        "their paired differences on the same test images and replicates. Each optimizer has its "
        "own learning rate and momentum. If the two families respond differently, use the rows for "
        "each family instead of the row for both."
    )
    caption_text = "Effect of each choice on macro F1 on test, with 95% confidence intervals."
    draw = partial(figures.draw_effects, frame, data=data)
    return Section(
        key="effects",
        title="Effect of each choice",
        notes=(paragraph,),
        figures=(make_figure("effects", caption_text, draw(), narrow=draw(narrow=True)),),
        tables=(
            make_table(
                "effects",
                "Effect of each choice on macro F1 on test",
                EFFECT_COLUMNS,
                frame,
                values=effects,
            ),
        ),
    )


def _add_display_columns(effects: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of text: the two values of each contrast and the family."""
    return effects.assign(
        interval_low=effects["low"],
        interval_high=effects["high"],
        contrast_label=[format_contrast_label(row) for row in effects.to_dict("records")],
        family_label=["all" if family == "all" else label(family) for family in effects["scope"]],
    )
