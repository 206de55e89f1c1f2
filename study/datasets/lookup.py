"""Find and load the data that a study was trained on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.medmnist import BloodCells, load_file, load_synthetic
from bloodnets.data.synthetic import generate_synthetic_arrays, hash_synthetic_arrays
from bloodnets.errors import DataError
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.ledger.test_images import load_test_images
from study.datasets.duplicates import drop_duplicates


def find_test_images(study: StudyRecord, file: Path | None) -> NDArray[np.uint8] | None:
    """Return the test images of a study if they are available; nothing is downloaded.

    Args:
        study: Record of the study.
        file: File that the user names; None to try the paths from `find_data_paths`.

    Returns:
        Pixels, uint8, shape (n, side, side, channels); None if the images are not available.

    Raises:
        DataError: `file` is not the study's file.
    """
    if file is not None:
        return load_test_images(file, study.data)
    if study.data.kind is DataKind.SYNTHETIC:
        arrays = generate_synthetic_arrays()
        is_same = hash_synthetic_arrays(arrays) == study.data.sha256
        return arrays["test_images"] if is_same else None
    for path in find_data_paths(study):
        try:
            return load_test_images(path, study.data)
        except DataError:
            continue
    return None


def find_data_paths(study: StudyRecord) -> Iterator[Path]:
    """Yield the paths where a study's file may be, the recorded one first."""
    if study.data.path is not None:
        yield Path(study.data.path)
    if (medmnist_file := study.data.medmnist_file) is not None:
        # Imports requests, which is slow and not needed if the file is at its recorded path.
        from bloodnets.data.download import get_medmnist_path  # noqa: PLC0415

        yield get_medmnist_path(medmnist_file, None)


def load_study_data(
    study: StudyRecord,
    file: Path | None,
    *,
    download: bool = False,
    reading: AbstractContextManager[None] | None = None,
) -> BloodCells:
    """Load the data that a study was trained on, without the duplicates that it dropped.

    Args:
        study: Record of the study.
        file: File that the user names; None for the recorded one, or for synthetic cells.
        download: Whether to download a file of MedMNIST if no local copy is found.
        reading: Context in which the data are read; None for none.

    Raises:
        DataError: The data are not found, or differ from those that the study was trained on.
        ResourceError: The file cannot be downloaded.
    """
    expected = f"{study.data.name}, SHA-256 {study.data.sha256[:12]}…"
    if file is None and study.data.kind is DataKind.SYNTHETIC:
        with reading or nullcontext():
            cells = load_synthetic()
    else:
        path = file or next((path for path in find_data_paths(study) if path.exists()), None)
        medmnist_file = study.data.medmnist_file
        if path is None and download and medmnist_file is not None:
            from bloodnets.data.download import ensure_medmnist_file  # noqa: PLC0415

            path = ensure_medmnist_file(medmnist_file, None)
        if path is None:
            raise DataError(
                f"the data of {study.name} are not available",
                path=study.data.path,
                expected=expected,
                remedy="pass --data-file",
            )
        with reading or nullcontext():
            cells = load_file(path)
    if cells.sha256 != study.data.sha256:
        raise DataError(
            f"{cells.path or cells.name} is not the data that {study.name} was trained on: its "
            f"SHA-256 begins with {cells.sha256[:12]}",
            path=cells.path,
            value=cells.sha256,
            expected=expected,
            remedy=None if cells.path is None else "pass that file with --data-file",
        )
    return cells if study.data.dropped is None else drop_duplicates(cells)
