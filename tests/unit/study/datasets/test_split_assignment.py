"""Units of images in splits: whole, in every class, near 70, 10 and 20%."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.datasets.split_assignment import assign_splits


def assign(counts: NDArray[np.int64], seed: int = 0) -> NDArray[np.int64]:
    return assign_splits(counts, [f"unit {i}" for i in range(len(counts))], seed=seed)


def make_single_images(*class_sizes: int) -> NDArray[np.int64]:
    """Return units of one image each."""
    return np.repeat(np.eye(len(class_sizes), dtype=np.int64), class_sizes, axis=0)


def count_covered(counts: NDArray[np.int64], splits: NDArray[np.int64]) -> int:
    """Return the number of pairs of class and split that have an image."""
    return sum(int((counts[splits == split].sum(axis=0) > 0).sum()) for split in range(3))


def is_coverable(counts: NDArray[np.int64]) -> bool:
    """Try every assignment."""
    goal = 3 * counts.shape[1]
    return any(
        count_covered(counts, np.array(splits)) == goal
        for splits in itertools.product(range(3), repeat=len(counts))
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [(3, [1, 1, 1]), (4, [2, 1, 1]), (10, [7, 1, 2]), (100, [70, 10, 20]), (1234, [864, 123, 247])],
)
def test_assign_splits_single_images_have_their_shares(size: int, expected: list[int]) -> None:
    counts = make_single_images(size, 50)
    splits = assign(counts)
    assert np.bincount(splits[counts[:, 0] > 0]).tolist() == expected


def test_assign_splits_order_of_units_changes_nothing() -> None:
    counts = np.random.default_rng(1).integers(0, 4, (40, 3))
    names = [f"patient {i}" for i in range(40)]
    order = np.random.default_rng(2).permutation(40)
    splits = assign_splits(counts, names, seed=3)
    found = assign_splits(counts[order], [names[i] for i in order], seed=3)
    assert np.array_equal(found, splits[order])


def test_assign_splits_known_units_have_known_splits() -> None:
    """The same on every platform and with every version of NumPy."""
    assert assign(make_single_images(4, 5)).tolist() == [0, 1, 2, 0, 2, 0, 0, 1, 0]


def test_assign_splits_seed_changes_the_splits() -> None:
    counts = make_single_images(30, 30)
    assert not np.array_equal(assign(counts, seed=0), assign(counts, seed=1))


def test_assign_splits_large_units_keep_shares_within_a_unit() -> None:
    counts = np.random.default_rng(0).integers(0, 30, (60, 5))
    splits = assign(counts)
    for split, share in enumerate((0.7, 0.1, 0.2)):
        found = counts[splits == split].sum(axis=0) / counts.sum(axis=0)
        assert np.abs(found - share).max() < 0.06


def test_assign_splits_class_in_two_units_is_in_train_and_test() -> None:
    counts = np.array([[5, 0], [5, 0], [0, 1], [0, 1], [0, 1]])
    splits = assign(counts)
    assert sorted(splits[:2].tolist()) == [0, 2]
    assert sorted(splits[2:].tolist()) == [0, 1, 2]


@given(
    st.integers(1, 4).flatmap(
        lambda n_classes: st.lists(
            st.lists(st.integers(0, 2), min_size=n_classes, max_size=n_classes).filter(any),
            min_size=1,
            max_size=7,
        )
    ),
    st.integers(0, 3),
)
def test_assign_splits_each_class_is_in_each_split_if_possible(
    rows: list[list[int]], seed: int
) -> None:
    counts = np.array(rows)
    splits = assign(counts, seed)
    assert set(splits.tolist()) <= {0, 1, 2}
    if is_coverable(counts):
        assert count_covered(counts, splits) == 3 * counts.shape[1]
