"""Count a prediction for the test images of a study as a test evaluation."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError
from bloodnets.storage.location import StudyPath
from reports.ledger.data_record import DataRecord
from reports.ledger.ledger import Ledger
from study.datasets.data_record import hash_images
from study.runtime.lock import lock_study

PREDICT_REASON = "by bloodstudy predict"


def is_test_split(data: DataRecord, path: Path, split: str, images: NDArray[np.uint8]) -> bool:
    """Return whether images are the test images of a study, in any order and in any file.

    Args:
        data: Data of the study. If version 3 of the format wrote the record, only the study's own
            file is recognized.
        path: File that contains the images.
        split: Split of the file that the images are from.
        images: Pixels, uint8, shape (n, side, side, channels).
    """
    if data.test_sha256 is None:
        return split == "test" and hashlib.sha256(path.read_bytes()).hexdigest() == data.sha256
    return len(images) == sum(data.class_counts["test"]) and hash_images(images) == data.test_sha256


def enter_test_evaluations(location: StudyPath, trial_ids: Sequence[str]) -> None:
    """Enter an evaluation of the model of each trial in the log of its study.

    Args:
        location: Folder or address of the study.
        trial_ids: Ids of the trials.

    Raises:
        ConflictError: Another process is running the study, or it has no log.
        ResourceError: The location cannot be written.
    """
    with lock_study(location):
        ledger = Ledger(location)  # read again: another process may have just changed it
        if not ledger.files.has_log:
            raise ConflictError(f"{location} is of version 3 of the format", path=str(location))
        for trial_id in trial_ids:
            ledger.log.add_test_evaluation(trial_id, reason=PREDICT_REASON)
