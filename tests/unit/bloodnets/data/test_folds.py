"""Train and val divided into the folds of a cross-validation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.config import TrialConfig
from bloodnets.data.folds import check_folds, select_fold
from bloodnets.data.medmnist import BloodCells, Split
from bloodnets.errors import DataError
from study.configs.presets import PUBLISHED

CONFIG = PUBLISHED["mlnn-config-2"]
N_FOLDS = 3


@pytest.fixture
def numbered() -> BloodCells:
    """Return data of two classes whose image i has i as its first pixel, train before val."""
    labels = np.array([0, 1, 1] * 20, np.uint8)
    images = np.zeros((60, 8, 8, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(60)
    test = Split(images[:6] + np.uint8(100), labels[:6])
    return BloodCells(
        train=Split(images[:45], labels[:45]),
        val=Split(images[45:], labels[45:]),
        test=test,
        kind="file",
        path=Path("cells.npz"),
        name="cells.npz",
        md5=None,
        sha256="0" * 64,
        class_names=("basophil", "eosinophil"),
        dropped=None,
    )


def make_config(fold: int, *, seed: int = 0) -> TrialConfig:
    return replace(CONFIG, folds=N_FOLDS, fold=fold, seed=seed)


def list_numbers(split: Split) -> list[int]:
    return [int(number) for number in split.images[:, 0, 0, 0]]


def find_fold_by_number(cells: BloodCells, *, seed: int = 0) -> dict[int, int]:
    """Return the fold in which an image is val, by the number of the image."""
    return {
        number: fold
        for fold in range(N_FOLDS)
        for number in list_numbers(select_fold(cells, make_config(fold, seed=seed)).val)
    }


def permute(cells: BloodCells, order: NDArray[np.int64]) -> BloodCells:
    """Return the data with the images of train and val in another order."""
    n_train = len(cells.train.labels)
    images = np.concatenate([cells.train.images, cells.val.images])[order]
    labels = np.concatenate([cells.train.labels, cells.val.labels])[order]
    return replace(
        cells,
        train=Split(images[:n_train], labels[:n_train]),
        val=Split(images[n_train:], labels[n_train:]),
    )


def test_select_fold_without_folds_returns_the_data_as_they_are(numbered: BloodCells) -> None:
    assert select_fold(numbered, CONFIG) is numbered


def test_select_fold_each_image_is_val_once_and_otherwise_train(numbered: BloodCells) -> None:
    parts = [select_fold(numbered, make_config(fold)) for fold in range(N_FOLDS)]
    assert sorted(number for part in parts for number in list_numbers(part.val)) == [*range(60)]
    for part in parts:
        assert sorted(list_numbers(part.train) + list_numbers(part.val)) == [*range(60)]
        assert part.test is numbered.test


def test_select_fold_labels_follow_their_images(numbered: BloodCells) -> None:
    part = select_fold(numbered, make_config(1))
    for split in (part.train, part.val):
        expected = [0 if number % 3 == 0 else 1 for number in list_numbers(split)]
        assert split.labels.tolist() == expected


def test_select_fold_classes_are_divided_evenly(numbered: BloodCells) -> None:
    counts = np.array(
        [np.bincount(select_fold(numbered, make_config(f)).val.labels) for f in range(N_FOLDS)]
    )
    assert np.ptp(counts, axis=0).tolist() == [1, 1]  # 20 and 40 images in three folds
    assert np.ptp(counts.sum(axis=1)) == 0


def test_select_fold_order_of_the_images_does_not_change_the_folds(numbered: BloodCells) -> None:
    order = np.random.default_rng(0).permutation(60)
    assert find_fold_by_number(permute(numbered, order)) == find_fold_by_number(numbered)


def test_select_fold_another_seed_has_other_folds(numbered: BloodCells) -> None:
    assert find_fold_by_number(numbered, seed=1) != find_fold_by_number(numbered, seed=0)


def test_select_fold_identical_images_of_two_splits_are_in_one_fold(numbered: BloodCells) -> None:
    images = numbered.val.images.copy()
    images[:5] = numbered.train.images[:5]
    cells = replace(numbered, val=numbered.val._replace(images=images))
    for fold in range(N_FOLDS):
        numbers = list_numbers(select_fold(cells, make_config(fold)).val)
        assert all(numbers.count(number) in {0, 2} for number in range(5))


@pytest.mark.parametrize("seed", range(20))
def test_select_fold_no_group_is_in_two_folds(numbered: BloodCells, seed: int) -> None:
    groups = np.random.default_rng(seed).integers(0, 15, 60)
    cells = replace(
        numbered,
        train=numbered.train._replace(groups=groups[:45]),
        val=numbered.val._replace(groups=groups[45:]),
    )
    fold_by_number = find_fold_by_number(cells, seed=seed)
    for group in np.unique(groups):
        assert len({fold_by_number[int(i)] for i in np.flatnonzero(groups == group)}) == 1


def test_select_fold_group_with_an_identical_image_stays_in_one_fold(
    numbered: BloodCells,
) -> None:
    groups = np.arange(60)
    groups[[0, 1]] = 0  # images 0 and 1 are of a patient
    images = numbered.val.images.copy()
    images[0] = numbered.train.images[1]  # image 45 is image 1
    cells = replace(
        numbered,
        train=numbered.train._replace(groups=groups[:45]),
        val=Split(images, numbered.val.labels, groups[45:]),
    )
    for fold in range(N_FOLDS):
        numbers = list_numbers(select_fold(cells, make_config(fold)).val)
        assert (numbers.count(0), numbers.count(1)) in {(0, 0), (1, 2)}


def test_check_folds_class_with_fewer_images_than_folds_raises(numbered: BloodCells) -> None:
    check_folds(numbered, 20, range(3))
    with pytest.raises(DataError) as caught:
        check_folds(numbered, 21, range(1))
    assert "basophil" in caught.value.problem
    assert caught.value.value == 20
    assert caught.value.remedy == "use --folds 20"


def test_check_folds_class_in_one_group_raises(numbered: BloodCells) -> None:
    groups = np.arange(60)
    groups[::3] = 0
    cells = replace(
        numbered,
        train=numbered.train._replace(groups=groups[:45]),
        val=numbered.val._replace(groups=groups[45:]),
    )
    with pytest.raises(DataError) as caught:
        check_folds(cells, 2, range(1))
    assert caught.value.value == 1
    assert caught.value.remedy == "add images of the class"


def test_check_folds_class_without_images_in_train_and_val_is_accepted(
    numbered: BloodCells,
) -> None:
    cells = replace(numbered, class_names=(*numbered.class_names, "mast cell"))
    check_folds(cells, N_FOLDS, range(1))
    assert find_fold_by_number(cells) == find_fold_by_number(numbered)
