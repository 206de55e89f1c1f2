"""Divide images into train, val and test: 70%, 10% and 20% of each class, by seed.

Images that belong together, e.g. those of a patient, form a unit that is never divided. First, as
few units as necessary are chosen so that each class is in each split. Then the other units go where
most images of their classes are missing. Nothing depends on the order of the units, on the
platform or on the version of a library.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import SPLITS

SPLIT_TENTHS = (7, 1, 2)
"""Shares of the images in tenths, in the order of `SPLITS`; integers are exact everywhere."""

SPLITS_BY_PRIORITY = ("train", "test", "val")
"""Order in which splits get a class that is in fewer than three units."""

MAX_SEARCH_STEPS = 1000
"""Maximum number of steps of one search for units; 100 patients and 50 classes took 64."""

_Requirement = tuple[int, int]
"""Class and split (as an index into `SPLITS`) that must have an image."""


def assign_splits(
    counts: NDArray[np.int64], names: Sequence[str], *, seed: int
) -> NDArray[np.int64]:
    """Return the split of each unit, as an index into `SPLITS`.

    Args:
        counts: Numbers of images, int64, shape (n_units, n_classes).
        names: Unique names of the units, which determine their random order.
        seed: Seed of the random order.

    Returns:
        Splits, int64, shape (n_units,). Each class is in each split if units allow it. The search
        for such units is exact up to `MAX_SEARCH_STEPS`.
    """
    keys = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in names]
    order = np.array(sorted(range(len(names)), key=keys.__getitem__), dtype=np.int64)
    shuffled = counts[order]
    splits = _Assignment(shuffled)
    for unit, split in _cover_classes(shuffled).items():
        splits.add(unit, split)
    # Large units come first, because small ones can still balance the splits afterwards.
    for unit in np.argsort(-shuffled.sum(axis=1), kind="stable"):
        if splits.split_by_unit[unit] < 0:
            splits.add(unit, splits.choose_split(unit))
    result = np.empty(len(names), dtype=np.int64)
    result[order] = splits.split_by_unit
    return result


class _Assignment:
    """Splits of the units so far.

    Attributes:
        split_by_unit: Split of each unit, int64, shape (n_units,); -1 for none so far.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.split_by_unit = np.full(len(counts), -1, dtype=np.int64)
        self._counts = counts
        self._totals = counts.sum(axis=0)
        # Tenths of an image that a split has too many, by split and class.
        self._excess = -np.outer(SPLIT_TENTHS, self._totals)

    def add(self, unit: int, split: int) -> None:
        """Put a unit into a split."""
        self.split_by_unit[unit] = split
        self._excess[split] += 10 * self._counts[unit]

    def choose_split(self, unit: int) -> int:
        """Return the split in which the unit reduces the squared excess of its classes most.

        Each class counts the same, whatever its number of images.
        """
        labels = self._counts[unit].nonzero()[0]
        counts = (10 * self._counts[unit, labels]).tolist()
        totals = self._totals[labels].tolist()
        # The order of the terms does not change the result of `fsum`.
        changes = [
            math.fsum(
                count * (2 * excess + count) / total**2
                for count, excess, total in zip(counts, row, totals, strict=True)
            )
            for row in self._excess[:, labels].tolist()
        ]
        return changes.index(min(changes))


def _cover_classes(counts: NDArray[np.int64]) -> dict[int, int]:
    """Return units and their splits, so that each class is in each split if that is possible."""
    n_units_by_class = (counts > 0).sum(axis=0)
    required = {
        (int(label), SPLITS.index(name))
        for label, n_units in enumerate(n_units_by_class)
        for name in SPLITS_BY_PRIORITY[:n_units]
    }
    rare_first = np.argsort(n_units_by_class, kind="stable").tolist()
    optional = [
        (label, SPLITS.index(name))
        for name in reversed(SPLITS_BY_PRIORITY[1:])
        for label in rare_first
    ]
    while (found := _CoverSearch(counts, required).run()) is None:
        required.remove(next(item for item in optional if item in required))
    return found


class _CoverSearch:
    """Search for units that meet all requirements: the tightest first, with backtracking.

    Args:
        counts: Numbers of images, int64, shape (n_units, n_classes), in random order.
        required: Classes with the splits that must have an image.
    """

    def __init__(self, counts: NDArray[np.int64], required: set[_Requirement]) -> None:
        self._counts, self._required = counts, required
        self._has_class = counts > 0
        self._limits = np.outer(SPLIT_TENTHS, counts.sum(axis=0)) // 10
        self._n_steps = 0

    def run(self) -> dict[int, int] | None:
        """Return the split of each chosen unit; None if none was found."""
        return self._extend({}, self._has_class.sum(axis=0))

    def _extend(
        self, chosen: Mapping[int, int], n_free: NDArray[np.int64]
    ) -> dict[int, int] | None:
        """Return a complete choice that contains `chosen`; None if none was found.

        Args:
            chosen: Split of each unit chosen so far.
            n_free: Numbers of the other units with a class, by class.
        """
        self._n_steps += 1
        covered = {
            (int(label), split)
            for unit, split in chosen.items()
            for label in self._has_class[unit].nonzero()[0]
        }
        open_splits: dict[int, list[int]] = {}
        for label, split in sorted(self._required - covered):
            open_splits.setdefault(label, []).append(split)
        if not open_splits:
            return dict(chosen)
        spare = {label: n_free[label] - len(splits) for label, splits in open_splits.items()}
        label = min(spare, key=lambda label: (spare[label], n_free[label]))
        if spare[label] < 0:
            return None
        split = open_splits[label][0]
        for unit in self._list_candidates(label, split, chosen):
            if self._n_steps >= MAX_SEARCH_STEPS:
                return None
            found = self._extend({**chosen, unit: split}, n_free - self._has_class[unit])
            if found is not None:
                return found
        return None

    def _list_candidates(self, label: int, split: int, chosen: Mapping[int, int]) -> Iterator[int]:
        """Yield the free units with a class, first those that fit best into the split."""
        units = np.array(
            [unit for unit in self._has_class[:, label].nonzero()[0] if unit not in chosen]
        )
        in_split = [unit for unit, chosen_split in chosen.items() if chosen_split == split]
        room = self._limits[split] - self._counts[in_split].sum(axis=0)
        excess = np.maximum(self._counts[units] - np.maximum(room, 1), 0).sum(axis=1)
        yield from units[np.argsort(excess, kind="stable")].tolist()
