"""What family, loss and optimizer change, each as one contrast over the grid."""

import pandas as pd

from reports import figures
from reports.format.columns import EFFECTS
from reports.format.table import table
from reports.format.text import word
from reports.sections.elements import Section, caption, picture
from reports.sections.findings import Findings
from reports.sections.verdict_text import instead


def section(found: Findings) -> Section | None:
    """A figure and a table."""
    frame = _shown(found.effects)
    if frame.empty:
        return None
    words = (
        "Each line compares configurations that differ in that one choice and are equal in all "
        "else, and takes the mean of their differences, on the same test images and seeds. The "
        "optimizer brings its own learning rate and momentum. Where the two families answer "
        "differently, the lines within each family say more than the line over both."
    )
    text = "What one choice changes in macro F1 on test, with 95 % intervals."
    return Section(
        key="effects",
        title="What each choice changes",
        words=(words,),
        pictures=(picture("effects", text, figures.effects(frame, data=found.data), found.data),),
        tables=(
            table(
                "effects",
                caption("What one choice changes in macro F1 on test", found.data),
                EFFECTS,
                frame,
                values=found.effects,
            ),
        ),
    )


def _shown(effects: pd.DataFrame) -> pd.DataFrame:
    """With the columns that are words: what instead of what, and where."""
    return effects.assign(
        interval_low=effects["low"],
        interval_high=effects["high"],
        choice=[instead(row) for row in effects.to_dict("records")],
        where=["all" if within == "all" else word(within) for within in effects["within"]],
    )
