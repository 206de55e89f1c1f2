"""Read the predictions of one trial."""

import io
import zipfile
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reports.ledger.ledger import Ledger

# Errors that numpy and zipfile raise for damaged files.
_READ_ERRORS = (
    EOFError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class TrialPredictions(NamedTuple):
    """A trial's predictions on one split.

    Attributes:
        probabilities: Class probabilities, float32, shape (n, classes); each row sums to 1.
        labels: True classes, uint8, shape (n,).
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]


def read_predictions(
    ledger: Ledger, trial_id: str, split: str, *, content: bytes | None = None
) -> TrialPredictions:
    """Return a trial's predictions on a split, made with the weights of its best epoch.

    Args:
        ledger: Ledger of the study.
        trial_id: Id of the trial.
        split: Name of the split, `val` or `test`.
        content: Bytes of the file, if they have already been read.

    Raises:
        ConflictError: The file is missing or unreadable, or lacks the split.
    """
    name = f"predictions/{trial_id}.npz"
    try:
        content = ledger.files.read(name) if content is None else content
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return TrialPredictions(arrays[f"{split}_probabilities"], arrays[f"{split}_labels"])
    except _READ_ERRORS as error:
        raise ledger.files.make_read_error(name, error) from error
