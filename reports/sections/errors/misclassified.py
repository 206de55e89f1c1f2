"""Show the test images that are misclassified most frequently."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.image import imsave
from numpy.typing import NDArray

from reports.analysis.misclassified import ErrorCounts, Misclassified
from reports.format.table import Column, make_table
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.context import ReportContext
from reports.sections.elements import Section
from reports.sections.gallery import (
    SHOWN_SIDE,
    ClassError,
    Gallery,
    GalleryModel,
    ImageErrors,
    Thumbnail,
)

_N_LISTED = 24
_SPRITE_COLUMNS = 20

_MAX_SPRITE_PIXELS = 700_000
"""Maximum number of pixels of all images in the gallery, about 1.5 MB. With a side of at most 41
pixels, `MAX_IMAGES` fit."""

_COLUMNS = (
    Column(key="index", heading=("Test image", "(from 0)"), unit="count"),
    Column(key="true_label", heading=("True class",)),
    Column(key="predicted_label", heading=("Most often", "predicted as")),
    Column(key="wrong", heading=("Trials that", "misclassify it"), unit="count"),
    Column(key="trials", heading=("Trials", "in total"), unit="count"),
    Column(key="probability_true", heading=("Probability", "of true", "class (%)"), unit="percent"),
    Column(
        key="probability_predicted",
        heading=("Probability", "of predicted", "class (%)"),
        unit="percent",
    ),
)

_NOTE = (
    "The images are sorted by the number of trials that misclassify them, then by the probability "
    "of the true class, lowest first. Percentages are mean probabilities over the trials. An image "
    "that every trial misclassifies may show a rare form, or its label may be wrong."
)


def make_section(
    misclassified: Misclassified, images: NDArray[np.uint8] | None, *, context: ReportContext
) -> Section | None:
    """Make a gallery, if the images are available, and a table; None without an error.

    Args:
        misclassified: Misclassified test images.
        images: Images of the test split, uint8, shape (n, side, side, channels); None if not
            available.
        context: Labels.
    """
    frame = misclassified.images
    if frame.empty:
        return None
    labeled_frame = frame.assign(
        true_label=context.label_classes(frame["true"]),
        predicted_label=context.label_classes(frame["predicted"]),
    )
    return Section(
        key="misclassified",
        title="Most frequently misclassified images",
        paragraphs=(
            _describe_counts(misclassified.counts),
            *(() if images is not None else (_explain_missing_images(context.data),)),
        ),
        notes=(_NOTE,),
        gallery=None
        if images is None
        else _make_gallery(labeled_frame, misclassified.errors, images, context),
        tables=(
            make_table(
                "misclassified",
                "Test images that most trials misclassified",
                _COLUMNS,
                labeled_frame.head(_N_LISTED),
                values=labeled_frame,
                folded=images is not None,
            ),
        ),
    )


def _describe_counts(counts: ErrorCounts) -> str:
    paragraph = (
        f"{counts.n_never_wrong:,} of {format_count(counts.n_images, 'test image')} are classified "
        f"correctly by every one of {format_count(counts.n_trials, 'trial')}; "
        f"{counts.n_always_wrong:,} are misclassified by every one."
    )
    if counts.n_trials == 1:
        count_text = format_count(counts.n_images, "test image")
        paragraph = f"One trial classifies {counts.n_never_wrong:,} of {count_text} correctly."
    if counts.n_repeated:
        repeat_verb = "has" if counts.n_repeated == 1 else "have"
        paragraph += (
            f" {format_count(counts.n_repeated, 'more trial')} {repeat_verb} the same predictions "
            "as another trial of the same replicate. Such trials are not counted, so that the "
            "errors of one function do not count twice."
        )
    return paragraph


def _explain_missing_images(data: DataLabel) -> str:
    if data.warning:
        return "No images are shown, because the cells are synthetic."
    return (
        "No images are shown, because the data file of the study was not found. To show them, name "
        "the file with --data-file."
    )


def _make_gallery(
    frame: pd.DataFrame, errors: pd.DataFrame, images: NDArray[np.uint8], context: ReportContext
) -> Gallery:
    side = min(images.shape[1], SHOWN_SIDE)
    frame = frame.head(_MAX_SPRITE_PIXELS // side**2)
    tiles = reduce_images(images[frame["index"]], side)
    model_errors = context.merge_copies(errors)
    models = model_errors.groupby("configuration", sort=False)["replicates"].first()
    errors_by_image = _group_by_image(model_errors, list(models.index))
    return Gallery(
        sprite=encode_png(arrange_tiles(tiles, _SPRITE_COLUMNS)),
        side=side,
        n_columns=min(_SPRITE_COLUMNS, len(frame)),
        thumbnails=tuple(
            Thumbnail(
                alt=f"Test image {row['index']}: {row['true_label']}",
                lines=_describe_image(row),
                image=errors_by_image.pop(row["index"], ImageErrors(row["true"], ())),
            )
            for row in frame.to_dict("records")
        ),
        n_open=_N_LISTED,
        omitted=tuple(errors_by_image.values()),
        classes=context.class_labels,
        models=tuple(GalleryModel(str(name), int(models[name])) for name in models.index),
    )


def _group_by_image(errors: pd.DataFrame, models: list[str]) -> dict[int, ImageErrors]:
    """Return the wrong predictions for each image, by its position in the test split."""
    class_errors: dict[tuple[int, int], list[ClassError]] = {}
    model_numbers = errors["configuration"].map(models.index)
    columns = (errors[key].tolist() for key in ("index", "true", "predicted", "wrong_replicates"))
    for model, index, true, predicted, n_replicates in zip(model_numbers, *columns, strict=True):
        class_errors.setdefault((index, true), []).append(
            ClassError(model, predicted, n_replicates)
        )
    return {
        index: ImageErrors(true, tuple(image_errors))
        for (index, true), image_errors in class_errors.items()
    }


def _describe_image(row: Mapping[Any, Any]) -> tuple[str, ...]:
    return (
        f"true: {row['true_label']} ({row['probability_true'] * 100:.0f}%)",
        f"predicted: {row['predicted_label']} ({row['probability_predicted'] * 100:.0f}%)",
        f"misclassified by {row['wrong']} of {format_count(row['trials'], 'trial')}",
    )


def reduce_images(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Reduce images to a side of at most their own, by the mean of the covered pixels.

    Args:
        images: Images, uint8, shape (n, height, width, channels).
        side: Height and width of the returned images in pixels.
    """
    if images.shape[1] == side:
        return images
    edges = np.linspace(0, images.shape[1], side + 1).round().astype(int)
    sums = np.add.reduceat(images.astype(np.uint32), edges[:-1], axis=1)
    sums = np.add.reduceat(sums, edges[:-1], axis=2)
    sizes = np.diff(edges)
    means: NDArray[np.uint8] = (sums // np.outer(sizes, sizes)[..., None]).astype(np.uint8)
    return means


def arrange_tiles(images: NDArray[np.uint8], n_columns: int) -> NDArray[np.uint8]:
    """Arrange images in rows, as one image.

    Args:
        images: Images, uint8, shape (n, height, width, channels), n at least 1.
        n_columns: Maximum number of images in a row, at least 1.

    Returns:
        Image, uint8, shape (height, width, channels); places after the last one are black.
    """
    n_images, height, width, channels = images.shape
    n_columns = min(n_columns, n_images)
    n_rows = -(-n_images // n_columns)
    tiles = np.zeros((n_rows * n_columns, height, width, channels), np.uint8)
    tiles[:n_images] = images
    tiles = tiles.reshape(n_rows, n_columns, height, width, channels).swapaxes(1, 2)
    return tiles.reshape(n_rows * height, n_columns * width, channels)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image as PNG; equal images give equal bytes."""
    buffer = io.BytesIO()
    if image.shape[2] == 1:
        image = image.repeat(3, axis=2)
    imsave(buffer, image, format="png", metadata={"Software": "bloodstudy"})
    return buffer.getvalue()
