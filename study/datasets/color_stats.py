"""Check whether the colors of an image are like those of the training images.

A network assigns one of its classes to every image. An image from another source (another stain,
another camera, not a cell) usually has different colors. Two numbers per channel are enough
to detect this: its mean and its standard deviation. They say nothing about the content of the
image.
"""

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from reports.ledger.data_record import ColorStats

COLORS = {1: ("gray",), 3: ("red", "green", "blue")}
"""Names of the channels, by their number."""

_TAIL_SHARE = 0.001
"""Maximum share of the training images beyond each bound."""

_ROUNDING_VARIANCE = 1 / 12
"""Variance of rounding to integer gray levels, that of a uniform distribution of width 1. Without
it, the covariance of gray images could not be inverted."""

_CHUNK_SIZE = 256
"""Images per chunk. The squares of 12,000 images would not fit into the cache, which is slower."""


def compute_color_features(images: NDArray[np.uint8]) -> FloatArray:
    """Return the means of the channels, then their standard deviations.

    This takes 0.2 s for 12,000 images. The sums are of integers, so they are the same on every
    host.

    Args:
        images: Pixels, uint8, shape (n, side, side, channels).

    Returns:
        Features in gray levels, float64, shape (n, 2 * channels).
    """
    rows = []
    for start in range(0, len(images), _CHUNK_SIZE):
        chunk = images[start : start + _CHUNK_SIZE]
        pixels = chunk.reshape(len(chunk), -1, images.shape[-1])
        n_pixels = pixels.shape[1]
        sums = pixels.sum(axis=1, dtype=np.int64)
        squares = np.einsum("npc,npc->nc", pixels, pixels, dtype=np.uint32).astype(np.int64)
        rows.append(np.hstack([sums / n_pixels, np.sqrt(n_pixels * squares - sums**2) / n_pixels]))
    return np.concatenate(rows)


def compute_color_stats(images: NDArray[np.uint8]) -> ColorStats:
    """Return the color statistics of the training images, for comparison with other images.

    Args:
        images: Pixels, uint8, shape (n, side, side, channels), at least one image.
    """
    features = compute_color_features(images)
    mean = features.mean(axis=0)
    covariance = np.cov(features.T, ddof=0)
    # The bounds are values of actual images, so at most this share of the images is beyond them.
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
    """Describe how each image's colors differ from those of nearly all training images.

    Args:
        color_stats: Color statistics of the training images.
        images: Pixels, uint8, shape (n, side, side, channels).

    Returns:
        One entry per image: words such as `green darker and more even`, or None. An image gets
        words if it is farther from the mean than 99.9% of the training images.
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
    """Return the Mahalanobis distances of the rows from the mean."""
    offsets = features - mean
    full_covariance = covariance + _ROUNDING_VARIANCE * np.eye(len(mean))
    squared: FloatArray = np.einsum(
        "ni,in->n", offsets, np.linalg.solve(full_covariance, offsets.T)
    )
    return np.sqrt(squared)


def _describe_deviation(color_stats: ColorStats, features: FloatArray) -> str:
    below, above = features < color_stats.low, features > color_stats.high
    names = COLORS[len(features) // 2]
    channels_by_deviation: dict[str, list[str]] = {}  # channels with the same deviations
    for index, name in enumerate(names):
        deviation_flags = {
            "darker": below[index],
            "brighter": above[index],
            "more even": below[index + len(names)],
            "more uneven": above[index + len(names)],
        }
        if deviations := [
            deviation for deviation, is_outlier in deviation_flags.items() if is_outlier
        ]:
            channels_by_deviation.setdefault(" and ".join(deviations), []).append(name)
    phrases = [
        f"{'every channel' if 1 < len(same) == len(names) else ' and '.join(same)} {phrase}"
        for phrase, same in channels_by_deviation.items()
    ]
    return ", ".join(phrases) or "unusual combination of channels, each within its range"
