"""Identical images: counted by groups, and dropped where they bias training or selection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bloodnets.data.medmnist import BloodCells, Split, load_file
from bloodnets.errors import DataError
from reports.ledger.data_record import DuplicatesRecord
from study.datasets.duplicates import count_duplicates, drop_duplicates
from tests.helpers.npz_files import saved

Copies = dict[str, list[tuple[int, int]]]


@pytest.fixture
def distinct(tmp_path: Path) -> BloodCells:
    """Return data without duplicates; the label of image i of a split is i modulo 8."""
    return load_file(saved(tmp_path / "cells.npz"))


def add(cells: BloodCells, **copies: list[tuple[int, int]]) -> BloodCells:
    """Return the data with more images at the end of each split, as (number, label) pairs.

    Images of the same number are identical, and different from all others.
    """
    splits: dict[str, Any] = {}
    for name, pairs in copies.items():
        split: Split = getattr(cells, name)
        images = [np.full((28, 28, 3), number, np.uint8) for number, _ in pairs]
        splits[name] = Split(
            np.concatenate([split.images, images]),
            np.append(split.labels, [label for _, label in pairs]).astype(np.uint8),
        )
    return replace(cells, **splits)


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ({}, (0, 0, 0, 0)),
        ({"train": [(1, 0), (2, 0)]}, (0, 0, 0, 0)),
        ({"train": [(1, 0), (1, 0), (1, 0)]}, (1, 0, 0, 0)),
        ({"train": [(1, 0), (1, 5)]}, (1, 0, 1, 0)),
        ({"train": [(1, 0)], "val": [(1, 0)]}, (1, 1, 0, 0)),
        ({"train": [(1, 0)], "test": [(1, 0)]}, (1, 1, 0, 1)),
        ({"val": [(1, 0)], "test": [(1, 4), (1, 4)]}, (1, 1, 1, 2)),
        ({"test": [(1, 0), (1, 0)]}, (1, 0, 0, 0)),
        ({"test": [(1, 0), (1, 1)]}, (1, 0, 1, 2)),
        ({"train": [(1, 0), (2, 0)], "val": [(2, 0)], "test": [(1, 0)]}, (2, 2, 0, 1)),
    ],
)
def test_count_duplicates_counts_groups_and_images_of_test(
    distinct: BloodCells, copies: Copies, expected: tuple[int, ...]
) -> None:
    groups, across_splits, contradictory, test_images = expected
    assert count_duplicates(add(distinct, **copies)) == DuplicatesRecord(
        groups=groups,
        across_splits=across_splits,
        contradictory=contradictory,
        test_images=test_images,
    )


def test_count_duplicates_of_images_that_differ_in_one_pixel_is_zero(distinct: BloodCells) -> None:
    images = distinct.train.images.copy()
    images[1] = images[0]
    images[1, 27, 27, 2] ^= 1
    cells = replace(distinct, train=distinct.train._replace(images=images))
    assert count_duplicates(cells).groups == 0


@pytest.mark.parametrize(
    ("copies", "n_dropped"),
    [
        ({}, (0, 0)),
        ({"train": [(1, 0), (1, 0)], "val": [(2, 0), (2, 3)]}, (0, 0)),
        ({"train": [(1, 0), (1, 5), (1, 5)]}, (3, 0)),
        ({"train": [(1, 0)], "val": [(1, 0), (2, 0)]}, (1, 0)),
        ({"train": [(1, 0), (1, 0)], "test": [(1, 0)]}, (2, 0)),
        ({"val": [(1, 0), (2, 0)], "test": [(1, 4)]}, (0, 1)),
        ({"train": [(1, 0)], "val": [(1, 0)], "test": [(1, 0)]}, (1, 1)),
        ({"test": [(1, 0), (1, 1)]}, (0, 0)),
    ],
)
def test_drop_duplicates_keeps_test_and_the_other_images(
    distinct: BloodCells, copies: Copies, n_dropped: tuple[int, int]
) -> None:
    cells = add(distinct, **copies)
    rest = drop_duplicates(cells)
    assert rest.dropped == dict(zip(("train", "val"), n_dropped, strict=True))
    assert rest.test is cells.test
    assert count_duplicates(rest).across_splits == 0
    for name, n in rest.dropped.items():
        was, now = getattr(cells, name), getattr(rest, name)
        assert len(now.labels) == len(now.images) == len(was.labels) - n
        n_first = len(getattr(distinct, name).labels)
        np.testing.assert_array_equal(now.images[:n_first], was.images[:n_first])
        np.testing.assert_array_equal(now.labels[:n_first], was.labels[:n_first])
    assert (rest.sha256, rest.path) == (cells.sha256, cells.path)


def test_drop_duplicates_keeps_the_groups_of_the_other_images(distinct: BloodCells) -> None:
    splits = {
        name: getattr(distinct, name)._replace(
            groups=np.arange(len(getattr(distinct, name).labels))
        )
        for name in ("train", "val", "test")
    }
    images = splits["train"].images.copy()
    images[3] = splits["test"].images[0]
    splits["train"] = splits["train"]._replace(images=images)
    rest = drop_duplicates(replace(distinct, **splits))
    assert rest.train.groups is not None
    assert rest.train.groups.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert rest.test.groups is splits["test"].groups


def test_drop_duplicates_that_would_empty_a_split_raises(distinct: BloodCells) -> None:
    with pytest.raises(DataError) as caught:
        drop_duplicates(replace(distinct, val=distinct.test))
    assert caught.value.value == len(distinct.test.labels)
    assert caught.value.remedy is not None
