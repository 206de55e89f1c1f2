"""Colors of images beside those of the train images: measured, kept, told apart, in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from reports.ledger.records import compute_fingerprint
from reports.ledger.serialization import to_json
from study.datasets.color_stats import (
    compute_color_features,
    compute_color_stats,
    describe_outliers,
)
from tests.helpers.grid_builder import SOFTWARE, build_grid, make_published_matrices

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def cells() -> dict[str, Images]:
    return generate_synthetic_arrays(scale=0.05)


@pytest.fixture(scope="module")
def train(cells: dict[str, Images]) -> Images:
    return cells["train_images"]


def test_compute_color_features_are_means_and_standard_deviations(train: Images) -> None:
    few = train[:300]  # more than are measured at once
    pixels = few.reshape(300, 784, 3).astype(np.float64)
    expected = np.hstack([pixels.mean(axis=1), pixels.std(axis=1)])
    np.testing.assert_allclose(compute_color_features(few), expected, rtol=1e-12)
    white = np.full((1, 28, 28, 3), 255, np.uint8)
    assert compute_color_features(white).tolist() == [[255, 255, 255, 0, 0, 0]]


def test_describe_outliers_images_of_the_same_kind_are_rarely_outliers(
    cells: dict[str, Images],
) -> None:
    known = compute_color_stats(cells["train_images"])
    odd = [words for words in describe_outliers(known, cells["train_images"]) if words]
    assert len(odd) <= len(cells["train_images"]) / 1000
    others = np.concatenate([cells["val_images"], cells["test_images"]])
    assert sum(words is not None for words in describe_outliers(known, others)) < 0.02 * len(others)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((0.0, 0.0, 0.0), "every channel darker and more even"),
        ((1.0, 0.6, 1.0), "green darker"),
        ((0.5, 1.0, 0.5), "red and blue darker"),
    ],
)
def test_describe_outliers_changed_channels_are_named(
    train: Images, change: tuple[float, float, float], words: str
) -> None:
    changed = (train[:1] * np.array(change)).astype(np.uint8)
    (said,) = describe_outliers(compute_color_stats(train), changed)
    assert said is not None
    assert said.startswith(words)


def test_compute_color_stats_bounds_hold_for_nearly_all_train_images(train: Images) -> None:
    """`green darker` is said where 99.9% of the train images are brighter, and not before."""
    known, greens = compute_color_stats(train), compute_color_features(train)[:, 1]
    assert (greens < known.low[1]).mean() <= 0.001
    assert (greens > known.high[1]).mean() <= 0.001
    assert known.low[1] in greens


def test_describe_outliers_channels_that_never_differed_are_noticed() -> None:
    """What the distance sees and no bound of one number does."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 5, size=(2000, 28, 28, 3))
    gray = (random.uniform(60, 190, size=(2000, 1, 1, 1)) + noise).astype(np.uint8)
    odd = (np.array([90, 125, 160]) + noise[:1]).astype(np.uint8)
    assert describe_outliers(compute_color_stats(gray), gray[:1]) == [None]
    assert describe_outliers(compute_color_stats(gray), odd) == [
        "unusual combination of channels, each within its range"
    ]


def test_compute_color_stats_gray_or_single_image_is_described() -> None:
    random = np.random.default_rng(0)
    gray = np.repeat(random.integers(256, size=(50, 28, 28, 1), dtype=np.uint8), 3, axis=3)
    red = np.zeros((1, 28, 28, 3), np.uint8)
    red[..., 0] = 255
    assert describe_outliers(compute_color_stats(gray), red) != [None]
    assert describe_outliers(compute_color_stats(red), red) == [None]
    assert describe_outliers(compute_color_stats(red), gray[:1]) != [None]


def test_color_stats_survive_json_outside_of_the_fingerprint(tmp_path: Path, train: Images) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    data = replace(ledger.study.data, color_stats=compute_color_stats(train))
    assert compute_fingerprint(data, [], SOFTWARE, None) == compute_fingerprint(
        ledger.study.data, [], SOFTWARE, None
    )
    (tmp_path / "s/study.json").write_bytes(to_json(replace(ledger.study, data=data), indent=2))
    assert Ledger(tmp_path / "s").study.data == data


def test_describe_outliers_gray_images_are_compared_by_their_one_channel(train: Images) -> None:
    gray = train[..., :1]
    stats = compute_color_stats(gray)
    assert len(stats.mean) == 2
    words = describe_outliers(stats, np.concatenate([gray[:3], np.zeros((1, 28, 28, 1), np.uint8)]))
    assert words == [None, None, None, "gray darker and more even"]
