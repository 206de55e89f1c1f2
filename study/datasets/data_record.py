"""Make the record of the data that a study is trained on."""

import numpy as np

from bloodnets.constants import NUM_CLASSES, SPLITS
from bloodnets.data.medmnist import BloodCells
from reports.ledger.records import DataRecord
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
        class_counts=count_classes(cells),
        color_stats=compute_color_stats(cells.train.images),
        dropped=cells.dropped,
        duplicates=count_duplicates(cells),
    )


def count_classes(cells: BloodCells) -> dict[str, tuple[int, ...]]:
    """Return the number of images of each of the eight classes, by split."""
    return {
        name: tuple(np.bincount(getattr(cells, name).labels, minlength=NUM_CLASSES).tolist())
        for name in SPLITS
    }
