"""Whether an image's colours are like those that a model was trained on, and if not, how.

A network gives every image one of its classes. One that comes from elsewhere (another stain,
another camera, no cell at all) mostly has other colours, and six numbers are enough to see that:
the means and the standard deviations of its channels. What it shows, they do not tell.
"""

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import CHANNELS, IMAGE_SIDE
from bloodnets.metrics import FloatArray
from reports.ledger.records import ColourRecord

COLORS = ("red", "green", "blue")

_BEYOND = 0.001
"""Share of the train images that lie beyond each bound."""

_ROUNDING = 1 / 12
"""Variance of the rounding to whole grey levels: without it, images that are all grey would have
a covariance that cannot be inverted."""

_CHUNK = 256
"""Images at once. With 12,000 the squares would take longer, as they leave the cache."""


def measure(images: NDArray[np.uint8]) -> FloatArray:
    """Means of red, green and blue, then their standard deviations, in grey levels.

    In .2 s for 12,000 images. The sums are of whole numbers, so they are the same everywhere.

    Args:
        images: shape (n, 28, 28, 3).

    Returns:
        Shape (n, 6).
    """
    rows = []
    for start in range(0, len(images), _CHUNK):
        pixels = images[start : start + _CHUNK].reshape(-1, IMAGE_SIDE**2, CHANNELS)
        count = pixels.shape[1]
        sums = pixels.sum(axis=1, dtype=np.int64)
        squares = np.einsum("npc,npc->nc", pixels, pixels, dtype=np.uint32).astype(np.int64)
        rows.append(np.hstack([sums / count, np.sqrt(count * squares - sums**2) / count]))
    return np.concatenate(rows)


def colours(images: NDArray[np.uint8]) -> ColourRecord:
    """What of the train images is kept, to know others by.

    Args:
        images: shape (n, 28, 28, 3), at least one.
    """
    numbers = measure(images)
    mean = numbers.mean(axis=0)
    covariance = np.cov(numbers.T, ddof=0)
    # Values that an image had, none between two: so no more than that share lies beyond.
    low = np.quantile(numbers, _BEYOND, axis=0, method="lower")
    high = np.quantile(numbers, 1 - _BEYOND, axis=0, method="higher")
    distances = _distances(numbers, mean, covariance)
    return ColourRecord(
        mean=tuple(mean.tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        distance=float(np.quantile(distances, 1 - _BEYOND, method="higher")),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
    )


def unlike(record: ColourRecord, images: NDArray[np.uint8]) -> list[str | None]:
    """In what each image's colours differ from those of nearly all train images.

    Args:
        record: of the train images.
        images: shape (n, 28, 28, 3).

    Returns:
        Of each image words such as `green darker and more even`, which is more than in 99.9 % of
        the train images; None of one that is no farther from their mean than 99.9 % of them.
    """
    numbers = measure(images)
    distances = _distances(numbers, np.array(record.mean), np.array(record.covariance))
    return [
        _how(record, row) if distance > record.distance else None
        for row, distance in zip(numbers, distances, strict=True)
    ]


def _distances(numbers: FloatArray, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Mahalanobis distances of the rows from the mean."""
    away = numbers - mean
    whole = covariance + _ROUNDING * np.eye(len(mean))
    squared: FloatArray = np.einsum("ni,in->n", away, np.linalg.solve(whole, away.T))
    return np.sqrt(squared)


def _how(record: ColourRecord, numbers: FloatArray) -> str:
    below, above = numbers < record.low, numbers > record.high
    channels: dict[str, list[str]] = {}  # by what they all are
    for place, name in enumerate(COLORS):
        beyond = {
            "darker": below[place],
            "brighter": above[place],
            "more even": below[place + 3],
            "more uneven": above[place + 3],
        }
        if words := [word for word, holds in beyond.items() if holds]:
            channels.setdefault(" and ".join(words), []).append(name)
    said = [
        f"{'every channel' if len(names) == len(COLORS) else ' and '.join(names)} {words}"
        for words, names in channels.items()
    ]
    return ", ".join(said) or "no channel by itself, but all of them together"
