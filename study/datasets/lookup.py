"""Find the data that a study was trained on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.download import BLOODMNIST_FILE
from bloodnets.data.medmnist import BloodCells, load_file, load_synthetic
from bloodnets.errors import DataError
from reports.ledger.records import StudyRecord
from reports.ledger.test_images import load_test_images


def find_test_images(study: StudyRecord, file: Path | None) -> NDArray[np.uint8] | None:
    """The test images that a study used, if they are at hand; nothing is downloaded.

    Args:
        study: what it was.
        file: where the user says that they are; None to look where the study had them.

    Returns:
        uint8, shape (n, 28, 28, 3), or None.

    Raises:
        DataError: `file` is not the study's file.
    """
    if file is not None:
        return load_test_images(file, study.data)
    if study.data.kind == "rendered":
        cells = load_synthetic()
        return cells.test.images if cells.sha256 == study.data.sha256 else None
    for path in find_data_paths(study):
        try:
            return load_test_images(path, study.data)
        except DataError:
            continue
    return None


def find_data_paths(study: StudyRecord) -> Iterator[Path]:
    """Where the command that ran the study found its data."""
    path_by_option = {
        option: Path(value)
        for option, value in zip(study.command, study.command[1:], strict=False)
        if option in {"--data-file", "--data-root"}
    }
    if "--data-file" in path_by_option:
        yield path_by_option["--data-file"]
    yield path_by_option.get("--data-root", Path.home() / ".medmnist") / BLOODMNIST_FILE


def load_study_data(study: StudyRecord, file: Path | None) -> BloodCells:
    """The data of a study: drawn again, from `file`, or from where the study had them.

    Raises:
        DataError: they are not at hand, or other data are.
    """
    expected = f"wanted: {study.data.name}, SHA-256 {study.data.sha256[:12]}…"
    if file is None and study.data.kind == "rendered":
        cells = load_synthetic()
    else:
        existing_paths = [path for path in find_data_paths(study) if path.exists()]
        place = file or next(iter(existing_paths), None)
        if place is None:
            raise DataError(
                f"the data of {study.name} are not at hand; give --data-file; {expected}"
            )
        cells = load_file(place)
    if cells.sha256 != study.data.sha256:
        raise DataError(
            f"{cells.name} is not what {study.name} was trained on: its SHA-256 begins with "
            f"{cells.sha256[:12]}; {expected}"
        )
    return cells
