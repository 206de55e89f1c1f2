"""`DataShape`: number of classes, channels and side of the images of a study."""

from dataclasses import dataclass

from bloodnets.errors import DataError

MIN_CLASSES = 2

MAX_CLASSES = 100
"""Labels are stored as uint8, and a report shows a table with one row per class."""

MIN_SIDE = 8
"""The convolutional network halves an image three times."""

MAX_SIDE = 256
"""Larger images need other networks than those of this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataShape:
    """What a model must know about the data before it is built.

    Attributes:
        n_classes: Number of classes, 2 to 100.
        channels: Color channels: 1 (gray) or 3 (red, green, blue).
        side: Height and width of an image in pixels, 8 to 256.

    Raises:
        DataError: A value is out of its range.
    """

    n_classes: int
    channels: int
    side: int

    def __post_init__(self) -> None:
        if not MIN_CLASSES <= self.n_classes <= MAX_CLASSES:
            expected = f"{MIN_CLASSES} to {MAX_CLASSES}"
            raise DataError.of_value("number of classes", self.n_classes, expected)
        if self.channels not in (1, 3):
            raise DataError.of_value("number of channels", self.channels, "1 or 3")
        if not MIN_SIDE <= self.side <= MAX_SIDE:
            expected = f"{MIN_SIDE} to {MAX_SIDE} pixels"
            raise DataError.of_value("side of an image", self.side, expected)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one stored image: (side, side) if gray, else (side, side, 3)."""
        pixels = (self.side, self.side)
        return pixels if self.channels == 1 else (*pixels, self.channels)


BLOODMNIST_SHAPE = DataShape(n_classes=8, channels=3, side=28)
