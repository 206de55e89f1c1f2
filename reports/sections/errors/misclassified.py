"""The test images that are most often wrong."""

import io

import numpy as np
import pandas as pd
from matplotlib.image import imsave
from numpy.typing import NDArray

from reports.analysis.misclassified import ErrorCounts, Misclassified
from reports.format.table import Column, make_table
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.context import ReportContext
from reports.sections.elements import Section, Thumbnail, make_caption

_COLUMNS = (
    Column(key="index", heading=("Test image", "(from 0)"), unit="count"),
    Column(key="true_label", heading=("True class",)),
    Column(key="predicted_label", heading=("Most often", "predicted as")),
    Column(key="wrong", heading=("Trials", "wrong"), unit="count"),
    Column(key="trials", heading=("Trials", "in all"), unit="count"),
    Column(key="probability_true", heading=("Probability", "of true, %"), unit="percent"),
    Column(key="probability_predicted", heading=("of predicted", "%"), unit="percent"),
)


def make_section(
    misclassified: Misclassified, images: NDArray[np.uint8] | None, *, context: ReportContext
) -> Section | None:
    """Make a gallery, if the images are available, and a table; None without an error.

    Args:
        misclassified: Test images that most trials got wrong.
        images: Images of the test split, uint8, shape (n, 28, 28, 3); None if not available.
        context: Labels.
    """
    frame = misclassified.images
    if frame.empty:
        return None
    labeled_frame = frame.assign(
        true_label=[context.class_labels[c] for c in frame["true"]],
        predicted_label=[context.class_labels[c] for c in frame["predicted"]],
    )
    return Section(
        key="hardest",
        title="The images most often wrong",
        paragraphs=(
            _describe_counts(misclassified.counts),
            _describe_order(context.data, has_images=images is not None),
        ),
        thumbnails=() if images is None else _make_thumbnails(labeled_frame, images),
        tables=(
            make_table(
                "hardest",
                make_caption("Test images that most trials got wrong", context.data),
                _COLUMNS,
                labeled_frame,
                folded=images is not None,
            ),
        ),
    )


def _describe_counts(counts: ErrorCounts) -> str:
    paragraph = (
        f"Of {format_count(counts.n_images, 'test image')}, {counts.n_never_wrong:,} are right in "
        f"every one of {format_count(counts.n_trials, 'trial')} and {counts.n_always_wrong:,} are "
        "wrong in every one."
    )
    if counts.n_trials == 1:
        count_text = format_count(counts.n_images, "test image")
        paragraph = f"One trial has {counts.n_never_wrong:,} of {count_text} right."
    if counts.n_repeated:
        repeat_verb = "repeats" if counts.n_repeated == 1 else "repeat"
        paragraph += (
            f" {format_count(counts.n_repeated, 'trial')} more {repeat_verb} the answers of "
            "another trial with the same seed, image by image, and are not counted: they are the "
            "same function, and its mistakes would count twice."
        )
    return paragraph


def _describe_order(data: DataLabel, *, has_images: bool) -> str:
    text = (
        "Most often wrong first, then by the probability given to the true class, lowest first. "
        "Percentages are probabilities, means over the trials."
    )
    if has_images:
        return (
            f"{text} An image that every classifier gets wrong may be a rare form, or its label "
            "may be wrong."
        )
    if data.warning:
        return text
    return f"{text} The images are shown where the data file is at hand."


def _make_thumbnails(frame: pd.DataFrame, images: NDArray[np.uint8]) -> tuple[Thumbnail, ...]:
    return tuple(
        Thumbnail(
            png=encode_png(images[row["index"]]),
            alt=f"Test image {row['index']}: {row['true_label']}",
            lines=(
                f"true: {row['true_label']} ({row['probability_true'] * 100:.0f} %)",
                f"predicted: {row['predicted_label']} ({row['probability_predicted'] * 100:.0f} %)",
                f"wrong in {row['wrong']} of {format_count(row['trials'], 'trial')}",
            ),
        )
        for row in frame.to_dict("records")
    )


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """The same image gives the same bytes."""
    buffer = io.BytesIO()
    imsave(buffer, image, format="png", metadata={"Software": "bloodstudy"})
    return buffer.getvalue()
