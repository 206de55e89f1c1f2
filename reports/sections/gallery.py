"""Define a gallery of images that the page filters by their wrong predictions."""

from dataclasses import dataclass
from typing import NamedTuple

SHOWN_SIDE = 84
"""Height and width that an image should have on the page, in pixels."""


class GalleryModel(NamedTuple):
    """A model by which the images of a gallery are filtered.

    Attributes:
        name: Name of the model.
        n_replicates: Number of its trials.
    """

    name: str
    n_replicates: int


class ClassError(NamedTuple):
    """A wrong prediction of a model for an image.

    Attributes:
        model: Index in `Gallery.models`.
        predicted: Predicted class.
        n_replicates: Number of trials of the model with this prediction, at least 1.
    """

    model: int
    predicted: int
    n_replicates: int


class ImageErrors(NamedTuple):
    """All wrong predictions for an image.

    Attributes:
        true: True class.
        errors: Wrong predictions of every model.
    """

    true: int
    errors: tuple[ClassError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """An image of a gallery, with text.

    Attributes:
        alt: Alternative text.
        lines: Lines of text below the image.
        image: Wrong predictions, by which the page filters the image.
    """

    alt: str
    lines: tuple[str, ...]
    image: ImageErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Small images that the page filters by class and model.

    Attributes:
        sprite: All images in one PNG, `n_columns` in a row, in the order of `thumbnails`.
        side: Height and width of an image in pixels; the page enlarges a small one by a whole
            factor.
        n_columns: Number of images in a row of the sprite.
        thumbnails: Text of each image.
        n_open: Number of images that are shown without a filter, the first ones.
        omitted: Images without a place in the sprite, which are only counted.
        classes: Labels of the classes.
        models: Models, in the order of the plan.
    """

    sprite: bytes
    side: int
    n_columns: int
    thumbnails: tuple[Thumbnail, ...]
    n_open: int
    omitted: tuple[ImageErrors, ...]
    classes: tuple[str, ...]
    models: tuple[GalleryModel, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows of the sprite."""
        return -(-len(self.thumbnails) // self.n_columns)

    @property
    def shown_side(self) -> int:
        """Height and width of an image on the page, a multiple of `side`."""
        return self.side * max(1, round(SHOWN_SIDE / self.side))
