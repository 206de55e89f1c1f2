"""The test images that are most often wrong."""

import io

import numpy as np
import pandas as pd
from matplotlib.image import imsave
from numpy.typing import NDArray

from reports.analysis.misclassified import Tally, hardest, tally
from reports.format.table import Column, table
from reports.format.units import plural
from reports.sections.elements import Section, Thumbnail, caption
from reports.sections.findings import Findings

_COLUMNS = (
    Column(key="index", head=("Test image", "(from 0)"), unit="count"),
    Column(key="true_label", head=("True class",)),
    Column(key="predicted_label", head=("Most often", "predicted as")),
    Column(key="wrong", head=("Trials", "wrong"), unit="count"),
    Column(key="trials", head=("Trials", "in all"), unit="count"),
    Column(key="probability_true", head=("Probability", "of true, %"), unit="percent"),
    Column(key="probability_predicted", head=("of predicted", "%"), unit="percent"),
)


def section(found: Findings) -> Section | None:
    """A gallery, where the images are at hand, and a table."""
    tested = found.evidence.tested
    if not tested.names:
        return None
    frame = hardest(tested)
    if frame.empty:
        return None
    labelled = frame.assign(
        true_label=[found.labels[c] for c in frame["true"]],
        predicted_label=[found.labels[c] for c in frame["predicted"]],
    )
    return Section(
        key="hardest",
        title="The images most often wrong",
        words=(_counts(tally(tested)), _order(found)),
        gallery=() if found.images is None else _gallery(labelled, found.images),
        tables=(
            table(
                "hardest",
                caption("Test images that most trials got wrong", found.data),
                _COLUMNS,
                labelled,
                folded=found.images is not None,
            ),
        ),
    )


def _counts(got: Tally) -> str:
    words = (
        f"Of {plural(got.images, 'test image')}, {got.never:,} are right in every one of "
        f"{plural(got.trials, 'trial')} and {got.always:,} are wrong in every one."
    )
    if got.trials == 1:
        words = f"One trial has {got.never:,} of {plural(got.images, 'test image')} right."
    if got.repeated:
        have = "repeats" if got.repeated == 1 else "repeat"
        words += (
            f" {plural(got.repeated, 'trial')} more {have} the answers of another trial with the "
            "same seed, image by image, and are not counted: they are the same function, and its "
            "mistakes would count twice."
        )
    return words


def _order(found: Findings) -> str:
    order = (
        "Most often wrong first, then by the probability given to the true class, lowest first. "
        "Percentages are probabilities, means over the trials."
    )
    if found.images is not None:
        return (
            f"{order} An image that every classifier gets wrong may be a rare form, or its label "
            "may be wrong."
        )
    if found.data.mark:
        return order
    return f"{order} The images are shown where the data file is at hand."


def _gallery(frame: pd.DataFrame, images: NDArray[np.uint8]) -> tuple[Thumbnail, ...]:
    return tuple(
        Thumbnail(
            png=png(images[row["index"]]),
            alt=f"Test image {row['index']}: {row['true_label']}",
            lines=(
                f"true: {row['true_label']} ({row['probability_true'] * 100:.0f} %)",
                f"predicted: {row['predicted_label']} ({row['probability_predicted'] * 100:.0f} %)",
                f"wrong in {row['wrong']} of {plural(row['trials'], 'trial')}",
            ),
        )
        for row in frame.to_dict("records")
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """The same image gives the same bytes."""
    buffer = io.BytesIO()
    imsave(buffer, image, format="png", metadata={"Software": "bloodstudy"})
    return buffer.getvalue()
