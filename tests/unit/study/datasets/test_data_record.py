"""The record of which data a study is trained on."""

from dataclasses import replace

import numpy as np

from bloodnets.data.medmnist import BloodCells
from reports.ledger.data_record import GroupsRecord
from reports.ledger.states import DataKind
from study.datasets.color_stats import compute_color_stats
from study.datasets.data_record import count_classes, hash_images, make_data_record
from study.datasets.duplicates import count_duplicates


def test_make_data_record_of_a_file_describes_it(cells: BloodCells) -> None:
    record = make_data_record(cells)
    assert (record.kind, record.path, record.name) == (DataKind.FILE, str(cells.path), "cells.npz")
    assert (record.md5, record.sha256) == (cells.md5, cells.sha256)
    assert record.class_names == cells.class_names
    assert record.class_counts == count_classes(cells)
    assert record.color_stats == compute_color_stats(cells.train.images)
    assert (record.dropped, record.duplicates) == (None, count_duplicates(cells))


def test_make_data_record_of_synthetic_cells_has_no_path(cells: BloodCells) -> None:
    record = make_data_record(replace(cells, kind="synthetic", path=None, md5=None))
    assert (record.kind, record.path, record.md5) == (DataKind.SYNTHETIC, None, None)


def test_count_classes_absent_class_counts_zero(cells: BloodCells) -> None:
    labels = np.array([0, 0, 6], np.uint8)
    counts = count_classes(replace(cells, val=cells.val._replace(labels=labels)))
    assert counts["val"] == (2, 0, 0, 0, 0, 0, 1, 0)
    assert sum(counts["train"]) == len(cells.train.labels)


def test_count_groups_counts_those_in_several_splits(cells: BloodCells) -> None:
    """Group 0 is in all splits, group 1 in train and val; test has three images of group 0."""
    n_train, n_val, n_test = (
        len(cells.train.labels),
        len(cells.val.labels),
        len(cells.test.labels),
    )
    grouped = replace(
        cells,
        train=cells.train._replace(groups=np.arange(n_train) % 4),
        val=cells.val._replace(groups=np.arange(n_val) % 2),
        test=cells.test._replace(groups=np.where(np.arange(n_test) < 3, 0, 9)),
    )
    expected = GroupsRecord(count=5, across_splits=2, test_images=3)
    assert make_data_record(grouped).groups == expected
    assert make_data_record(cells).groups is None


def test_hash_images_depends_on_the_images_and_not_on_their_order(cells: BloodCells) -> None:
    images = cells.test.images
    expected = hash_images(images)
    assert make_data_record(cells).test_sha256 == expected
    assert hash_images(images[::-1]) == expected
    assert hash_images(images[1:]) != expected
    assert hash_images(np.concatenate([images, images[:1]])) != expected
