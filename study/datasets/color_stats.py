"""Whether an image's colors are like those that a model was trained on, and if not, how.

A network gives every image one of its classes. One that comes from elsewhere (another stain,
another camera, no cell at all) mostly has other colors, and six numbers are enough to see that:
the means and the standard deviations of its channels. What it shows, they do not tell.
"""

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import CHANNELS, IMAGE_SIDE
from bloodnets.metrics import FloatArray
from reports.ledger.records import ColorStats

COLORS = ("red", "green", "blue")

_TAIL_SHARE = 0.001
"""Share of the train images that lie beyond each bound."""

_ROUNDING_VARIANCE = 1 / 12
"""Variance of the rounding to whole gray levels: without it, images that are all gray would have
a covariance that cannot be inverted."""

_CHUNK_SIZE = 256
"""Images at once. With 12,000 the squares would take longer, as they leave the cache."""


def compute_color_features(images: NDArray[np.uint8]) -> FloatArray:
    """Means of red, green and blue, then their standard deviations, in gray levels.

    In .2 s for 12,000 images. The sums are of whole numbers, so they are the same everywhere.

    Args:
        images: shape (n, 28, 28, 3).

    Returns:
        Shape (n, 6).
    """
    rows = []
    for start in range(0, len(images), _CHUNK_SIZE):
        pixels = images[start : start + _CHUNK_SIZE].reshape(-1, IMAGE_SIDE**2, CHANNELS)
        n_pixels = pixels.shape[1]
        sums = pixels.sum(axis=1, dtype=np.int64)
        squares = np.einsum("npc,npc->nc", pixels, pixels, dtype=np.uint32).astype(np.int64)
        rows.append(np.hstack([sums / n_pixels, np.sqrt(n_pixels * squares - sums**2) / n_pixels]))
    return np.concatenate(rows)


def compute_color_stats(images: NDArray[np.uint8]) -> ColorStats:
    """What of the train images is kept, to know others by.

    Args:
        images: shape (n, 28, 28, 3), at least one.
    """
    features = compute_color_features(images)
    mean = features.mean(axis=0)
    covariance = np.cov(features.T, ddof=0)
    # Values that an image had, none between two: so no more than that share lies beyond.
    low = np.quantile(features, _TAIL_SHARE, axis=0, method="lower")
    high = np.quantile(features, 1 - _TAIL_SHARE, axis=0, method="higher")
    distances = _compute_distances(features, mean, covariance)
    return ColorStats(
        mean=tuple(mean.tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        distance=float(np.quantile(distances, 1 - _TAIL_SHARE, method="higher")),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
    )


def describe_outliers(color_stats: ColorStats, images: NDArray[np.uint8]) -> list[str | None]:
    """In what each image's colors differ from those of nearly all train images.

    Args:
        color_stats: of the train images.
        images: shape (n, 28, 28, 3).

    Returns:
        Of each image words such as `green darker and more even`, which is more than in 99.9 % of
        the train images; None of one that is no farther from their mean than 99.9 % of them.
    """
    features = compute_color_features(images)
    distances = _compute_distances(
        features, np.array(color_stats.mean), np.array(color_stats.covariance)
    )
    return [
        _describe_deviation(color_stats, row) if distance > color_stats.distance else None
        for row, distance in zip(features, distances, strict=True)
    ]


def _compute_distances(
    features: FloatArray, mean: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Mahalanobis distances of the rows from the mean."""
    offsets = features - mean
    full_covariance = covariance + _ROUNDING_VARIANCE * np.eye(len(mean))
    squared: FloatArray = np.einsum(
        "ni,in->n", offsets, np.linalg.solve(full_covariance, offsets.T)
    )
    return np.sqrt(squared)


def _describe_deviation(color_stats: ColorStats, features: FloatArray) -> str:
    below, above = features < color_stats.low, features > color_stats.high
    channels_by_deviation: dict[str, list[str]] = {}  # by what they all are
    for index, name in enumerate(COLORS):
        deviation_flags = {
            "darker": below[index],
            "brighter": above[index],
            "more even": below[index + 3],
            "more uneven": above[index + 3],
        }
        if deviations := [
            deviation for deviation, is_outlier in deviation_flags.items() if is_outlier
        ]:
            channels_by_deviation.setdefault(" and ".join(deviations), []).append(name)
    phrases = [
        f"{'every channel' if len(names) == len(COLORS) else ' and '.join(names)} {phrase}"
        for phrase, names in channels_by_deviation.items()
    ]
    return ", ".join(phrases) or "no channel by itself, but all of them together"
