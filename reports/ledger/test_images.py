"""Load the test images from the file that a study used."""

import hashlib
import io
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import DataError
from reports.ledger.data_record import DataRecord

MAX_FILE_BYTES = 2**32
"""Maximum size of the file in bytes, the same as for training."""


def load_test_images(path: Path, data: DataRecord) -> NDArray[np.uint8]:
    """Read the images of the test split, in the order of the study's predictions.

    The hash is checked before anything is unpacked, so only the file that the study used is opened.
    Its contents were checked when the study was created.

    Args:
        path: Path of a file in the MedMNIST format.
        data: Data of the study, not synthetic.

    Returns:
        Images, uint8, shape (n, side, side, channels): red, green, blue, or gray.

    Raises:
        DataError: The file is missing or unreadable, or is not the file that the study used.
    """
    content = _read_file(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != data.sha256:
        raise DataError(
            f"{path} is not the file that the study used: its SHA-256 begins with {sha256[:12]}",
            path=path,
            value=sha256,
            expected=f"{data.name}, {data.sha256[:12]}",
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        images: NDArray[np.uint8] = archive["test_images"]
    return images[..., None] if images.ndim == 3 else images  # the file omits the channel of gray


def _read_file(path: Path) -> bytes:
    try:
        file_status = path.stat()
        # Reading a pipe would block, and reading a device might never end.
        if not stat.S_ISREG(file_status.st_mode) or file_status.st_size > MAX_FILE_BYTES:
            raise DataError(f"{path} is not a file of at most {MAX_FILE_BYTES:,} bytes", path=path)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", path=path) from error
