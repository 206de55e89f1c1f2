"""Finds the test images of a study that ended, so that its report can show some of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.download import FILE_NAME
from bloodnets.data.medmnist import load_rendered
from bloodnets.errors import DataError
from reports.ledger.records import StudyRecord
from reports.ledger.test_images import test_images


def find_images(study: StudyRecord, file: Path | None) -> NDArray[np.uint8] | None:
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
        return test_images(file, study.data)
    if study.data.kind == "rendered":
        cells = load_rendered()
        return cells.test.images if cells.sha256 == study.data.sha256 else None
    for place in places(study):
        try:
            return test_images(place, study.data)
        except DataError:
            continue
    return None


def places(study: StudyRecord) -> Iterator[Path]:
    """Where the command that ran the study found its data."""
    given = {
        option: Path(value)
        for option, value in zip(study.command, study.command[1:], strict=False)
        if option in {"--data-file", "--data-root"}
    }
    if "--data-file" in given:
        yield given["--data-file"]
    yield given.get("--data-root", Path.home() / ".medmnist") / FILE_NAME
