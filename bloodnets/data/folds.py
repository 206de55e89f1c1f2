"""Divide train and val into the folds of a cross-validation.

Images that belong together form a unit, which is in one fold: identical images, and those of a
group. Each class has about the same number of images in each fold. The folds depend on the pixels,
the groups and the seed. They depend neither on the order of the images nor on a library's version.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.config import TrialConfig
from bloodnets.data.image_digests import compute_image_digests
from bloodnets.data.medmnist import BloodCells, Split
from bloodnets.errors import DataError


def select_fold(cells: BloodCells, config: TrialConfig) -> BloodCells:
    """Return the data of a trial: val is its fold of train and val, and train is the rest.

    The partition is drawn with the seed of the trial, so each seed has another one. Test stays as
    it is.

    Args:
        cells: Data of the study.
        config: Configuration of the trial; without folds, `cells` is returned.

    Raises:
        DataError: A class is not in every fold.
    """
    if config.folds is None:
        return cells
    folds = _assign_folds(_find_units(cells), cells, config.folds, config.seed)
    is_val = folds == config.fold
    return replace(cells, train=_select_images(cells, ~is_val), val=_select_images(cells, is_val))


def check_folds(cells: BloodCells, n_folds: int, seeds: Iterable[int]) -> None:
    """Check that each class of train and val is in every fold of each seed.

    Args:
        cells: Data of the study.
        n_folds: Number of folds, at least 2.
        seeds: Seeds of the trials.

    Raises:
        DataError: A class is not in every fold.
    """
    units = _find_units(cells)
    for seed in seeds:
        _assign_folds(units, cells, n_folds, seed)


class _Units(NamedTuple):
    """Units of the images of train, followed by those of val.

    Attributes:
        by_image: Unit of each image, int64, shape (n,), 0 to n_units - 1.
        counts: Numbers of images, int64, shape (n_units, n_classes).
        names: Names of the units, which their pixels determine.
    """

    by_image: NDArray[np.int64]
    counts: NDArray[np.int64]
    names: list[bytes]


def _find_units(cells: BloodCells) -> _Units:
    splits = (cells.train, cells.val)
    digests = [digest for split in splits for digest in compute_image_digests(split.images)]
    parts = [np.unique(np.array(digests), return_inverse=True)[1]]
    if cells.train.groups is not None and cells.val.groups is not None:
        groups = np.concatenate([cells.train.groups, cells.val.groups])
        parts.append(np.unique(groups, return_inverse=True)[1])
    index = parts[0] if len(parts) == 1 else _connect(*parts)
    labels = np.concatenate([split.labels for split in splits])
    counts = np.zeros((index.max() + 1, cells.shape.n_classes), np.int64)
    np.add.at(counts, (index, labels), 1)
    names = [b"\xff"] * len(counts)
    for unit, digest in zip(index.tolist(), digests, strict=True):
        names[unit] = min(names[unit], digest)
    return _Units(index, counts, names)


def _connect(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return units of images that are connected by equal numbers in either array.

    Args:
        first: Numbers from 0, int64, shape (n,).
        second: Numbers from 0, int64, shape (n,).
    """
    # SciPy takes a tenth of a second to import.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_first = int(first.max()) + 1
    n_nodes = n_first + int(second.max()) + 1
    edges = coo_array((np.ones(len(first)), (first, n_first + second)), shape=(n_nodes, n_nodes))
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[first], dtype=np.int64)


def _assign_folds(units: _Units, cells: BloodCells, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each image of train, followed by those of val, int64, shape (n,)."""
    keys = [hashlib.sha256(f"{seed}/".encode() + name).digest() for name in units.names]
    sizes = units.counts.sum(axis=1).tolist()
    # Large units come first, because small ones can still balance the folds afterwards.
    order = sorted(range(len(keys)), key=lambda unit: (-sizes[unit], keys[unit]))
    totals = units.counts.sum(axis=0).tolist()
    held = [[0] * len(totals) for _ in range(n_folds)]
    held_sizes = [0] * n_folds
    fold_by_unit = np.empty(len(keys), np.int64)
    for unit in order:
        counts = [
            (label, int(units.counts[unit, label])) for label in units.counts[unit].nonzero()[0]
        ]
        # Each class counts the same, whatever its number of images.
        excess = [
            math.fsum(n * (2 * held[fold][label] + n) / totals[label] ** 2 for label, n in counts)
            for fold in range(n_folds)
        ]
        fold = min(range(n_folds), key=lambda fold: (excess[fold], held_sizes[fold]))
        for label, n in counts:
            held[fold][label] += n
        held_sizes[fold] += sizes[unit]
        fold_by_unit[unit] = fold
    _require_classes(held, units, cells)
    return fold_by_unit[units.by_image]


def _require_classes(held: list[list[int]], units: _Units, cells: BloodCells) -> None:
    """Check that each class of train and val is in every fold.

    Args:
        held: Numbers of images by fold and class.
        units: Units of the images.
        cells: Data of the study.
    """
    for label, name in enumerate(cells.class_names):
        n_present = sum(counts[label] > 0 for counts in held)
        if 0 < n_present < len(held):
            n_units = int((units.counts[:, label] > 0).sum())
            raise DataError(
                f"--folds {len(held)}: {name} is in only {n_present} folds, because train and val "
                f"have {n_units} different images or groups of it",
                path=cells.path,
                value=n_present,
                expected="images of each class in each fold",
                remedy=f"use --folds {n_present}" if n_present > 1 else "add images of the class",
            )


def _select_images(cells: BloodCells, is_selected: NDArray[np.bool_]) -> Split:
    """Return the selected images of train, followed by those of val.

    Args:
        cells: Data of the study.
        is_selected: Whether an image is selected, bool, shape (n_train + n_val,).
    """
    n_train = len(cells.train.labels)
    parts = ((cells.train, is_selected[:n_train]), (cells.val, is_selected[n_train:]))
    # One copy, because images of 224 x 224 pixels take more than a gigabyte.
    images = np.empty((is_selected.sum(), *cells.train.images.shape[1:]), np.uint8)
    start = 0
    for split, selected in parts:
        end = start + int(selected.sum())
        np.compress(selected, split.images, axis=0, out=images[start:end])
        start = end
    labels = np.concatenate([split.labels[selected] for split, selected in parts])
    return Split(images, labels)
