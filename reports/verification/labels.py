"""Check that the labels in the predictions of trials are those of the data."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError
from reports.ledger.data_record import DataRecord
from reports.ledger.planned_trial import Config, get_replicate_name
from reports.verification.agreement import expect_equal


class _NamedLabels(NamedTuple):
    """Labels with the name of their file."""

    name: str
    labels: NDArray[np.uint8]


class LabelCheck:
    """Check of the labels of all trials of a study.

    Trials with the same images must have the same labels. These are the trials with the same split
    or, in a cross-validation, on val, those with the same seed and fold.

    Args:
        data: Data of the study.
    """

    def __init__(self, data: DataRecord) -> None:
        self._data = data
        self._first_labels: dict[tuple[str, str], _NamedLabels] = {}
        self._folds_by_seed: dict[int, dict[int, _NamedLabels]] = defaultdict(dict)

    def add(self, config: Config, split: str, name: str, labels: NDArray[np.uint8]) -> None:
        """Check the labels of a trial on a split.

        Args:
            config: Settings of the trial.
            split: Name of the split, `val` or `test`.
            name: Name of the file, used in messages.
            labels: True classes, uint8, shape (n,).

        Raises:
            ConflictError: The labels differ from those of another trial, or there are more or fewer
                than in the data.
        """
        named_labels = _NamedLabels(name, labels)
        is_fold = split == "val" and "fold" in config
        if is_fold:
            self._folds_by_seed[config["seed"]][config["fold"]] = named_labels
        else:
            self._require_counts(split, self._data.class_counts.get(split, ()), [named_labels])
        key = (split, get_replicate_name(config) if is_fold else "")
        first = self._first_labels.setdefault(key, named_labels)
        if not np.array_equal(labels, first.labels):
            raise ConflictError(f"{name} has different {split} labels than {first.name}", path=name)

    def check_folds(self, n_folds: int | None) -> None:
        """Check that the folds of a seed, if all are there, have all images of train and val.

        Args:
            n_folds: Number of folds; None without a cross-validation.

        Raises:
            ConflictError: Images are missing or occur twice.
        """
        counts = self._data.class_counts
        expected = tuple(np.add(counts["train"], counts["val"]).tolist())
        for folds in self._folds_by_seed.values():
            if len(folds) == n_folds:
                self._require_counts("train and val", expected, [*folds.values()])

    def _require_counts(
        self, images: str, expected: Sequence[int], parts: Sequence[_NamedLabels]
    ) -> None:
        labels = np.concatenate([part.labels for part in parts])
        counts = np.bincount(labels, minlength=len(self._data.class_names))
        quantity = f"number of {images} images of each class"
        expect_equal(
            "study.json", quantity, tuple(expected), tuple(counts.tolist()), parts[-1].name
        )
