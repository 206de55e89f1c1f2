"""Make the record of the data that a study is trained on."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import SPLITS
from bloodnets.data.image_digests import compute_image_digests
from bloodnets.data.medmnist import BloodCells
from reports.ledger.data_record import DataRecord, GroupsRecord
from reports.ledger.states import DataKind
from study.datasets.color_stats import compute_color_stats
from study.datasets.duplicates import count_duplicates


def make_data_record(cells: BloodCells) -> DataRecord:
    """Return the ledger's record of the data that a study is trained on."""
    return DataRecord(
        kind=DataKind(cells.kind),
        path=None if cells.path is None else str(cells.path),
        name=cells.name,
        md5=cells.md5,
        sha256=cells.sha256,
        class_names=cells.class_names,
        channels=cells.shape.channels,
        side=cells.shape.side,
        class_counts=count_classes(cells),
        color_stats=compute_color_stats(cells.train.images),
        dropped=cells.dropped,
        duplicates=count_duplicates(cells),
        groups=count_groups(cells),
        test_sha256=hash_images(cells.test.images),
    )


def hash_images(images: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of images, which does not depend on their order or on their file.

    This takes 10 ms for BloodMNIST's 3,421 test images.

    Args:
        images: Pixels, uint8, shape (n, side, side, channels).
    """
    return hashlib.sha256(b"".join(sorted(compute_image_digests(images)))).hexdigest()


def count_groups(cells: BloodCells) -> GroupsRecord | None:
    """Return the number of groups, and how many are in several splits; None without groups."""
    groups_by_split = {name: getattr(cells, name).groups for name in SPLITS}
    if any(groups is None for groups in groups_by_split.values()):
        return None
    unique = [np.unique(groups) for groups in groups_by_split.values()]
    _, n_splits = np.unique(np.concatenate(unique), return_counts=True)
    is_elsewhere = np.isin(
        groups_by_split["test"],
        np.concatenate([groups_by_split["train"], groups_by_split["val"]]),
    )
    return GroupsRecord(
        count=len(n_splits),
        across_splits=int((n_splits > 1).sum()),
        test_images=int(is_elsewhere.sum()),
    )


def count_classes(cells: BloodCells) -> dict[str, tuple[int, ...]]:
    """Return the number of images of each class, by split."""
    return {
        name: tuple(
            np.bincount(getattr(cells, name).labels, minlength=cells.shape.n_classes).tolist()
        )
        for name in SPLITS
    }
