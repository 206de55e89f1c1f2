"""Read arrays of the MedMNIST format from an npz file that may be damaged or malicious.

Sizes are checked before anything is unpacked, and nothing is unpickled.
"""

import io
import math
import stat
import textwrap
import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bloodnets.constants import CHANNELS, IMAGE_SIDE, SPLITS
from bloodnets.errors import DataError

IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE, CHANNELS)
MAX_IMAGES = 100_000
"""Maximum number of images in a split: eight times BloodMNIST's train, 0.24 GB of memory."""
MAX_FILE_BYTES = 2**30
MAX_ARCHIVE_MEMBERS = 1000
"""Maximum number of members in a file; six are needed. A directory of millions takes minutes to
read."""

EXPECTED_FORMAT = "an npz file in the MedMNIST format"


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        DataError: The file does not exist, is not a regular file, is empty or too large, or cannot
            be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is not a file", path=path, expected=EXPECTED_FORMAT)
        if not 0 < (size_bytes := status.st_size) <= MAX_FILE_BYTES:
            raise DataError(
                f"{path} has {size_bytes:,} bytes",
                path=path,
                value=size_bytes,
                expected=f"1 to {MAX_FILE_BYTES:,}",
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{path} does not exist", path=path, expected=EXPECTED_FORMAT) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}", path=path, expected=EXPECTED_FORMAT
        ) from error


def open_archive(content: bytes, path: Path) -> zipfile.ZipFile:
    """Open the bytes of an npz file.

    Args:
        content: Bytes of the file.
        path: Path of the file, used in messages.

    Raises:
        DataError: The bytes are not a zip archive, or have too many members.
    """
    n_entries = content.count(b"PK\x01\x02")  # signature of an entry in a zip directory
    if n_entries > MAX_ARCHIVE_MEMBERS:
        raise DataError(
            f"{path} has {n_entries:,} members",
            path=path,
            value=n_entries,
            expected=f"at most {MAX_ARCHIVE_MEMBERS:,}",
        )
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:  # zipfile raises many unrelated ones on a damaged file
        raise DataError(
            f"{path} is not a complete npz file ({_shorten_error(error)})",
            path=path,
            expected=EXPECTED_FORMAT,
        ) from error


def read_array(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[np.integer]:
    """Return an array of the archive, checking its header before its data are unpacked.

    Args:
        archive: Archive from `open_archive`.
        key: Key of the array, `{split}_images` or `{split}_labels`.
        path: Path of the file, used in messages.

    Returns:
        Images, uint8, shape (n, 28, 28, 3), or labels, of any integer type, shape (n, 1).

    Raises:
        DataError: The array is missing or damaged, or has another shape or type.
    """
    members = [info for info in archive.infolist() if info.filename == f"{key}.npy"]
    if not members:
        raise DataError(
            f"{path} lacks the key {key}",
            path=path,
            expected=f"images and labels of {', '.join(SPLITS)}",
        )
    if len(members) > 1:
        raise DataError(
            f"{path} has the key {key} {len(members)} times",
            path=path,
            value=len(members),
            expected="once",
        )
    # Other methods are rare in npz files, and zipfile unpacks them without a size limit.
    if (method := members[0].compress_type) not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            f"{path}: {key} is compressed with zip method {method}",
            path=path,
            value=method,
            expected="0 or 8 (stored or deflated), as in files from numpy.savez",
        )
    try:
        with archive.open(f"{key}.npy") as member:
            shape, dtype = _read_npy_header(member, key, path)
            size_bytes = math.prod(shape) * dtype.itemsize
            # The read is bounded because the size in the archive may be wrong. It asks for one
            # byte too many because zipfile verifies the checksum only at the end of the member.
            data = member.read(size_bytes + 1)
    except DataError:
        raise
    except Exception as error:  # NumPy's header parser raises many kinds
        raise DataError(
            f"{path}: {key} cannot be unpacked ({_shorten_error(error)})",
            path=path,
            expected="a complete file from numpy.savez or numpy.savez_compressed",
        ) from error
    if len(data) != size_bytes:
        raise DataError(
            f"{path}: {key} has {'more' if len(data) > size_bytes else 'fewer'} bytes "
            f"than its header says",
            path=path,
            value=len(data),
            expected=f"{size_bytes:,}",
        )
    return np.frombuffer(data, dtype).reshape(shape)


def _shorten_error(error: Exception) -> str:
    """Return a library's message on one short line."""
    return textwrap.shorten(str(error), 100) or type(error).__name__


def _read_npy_header(
    member: IO[bytes], key: str, path: Path
) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    if (version := npy.read_magic(member)) != (1, 0):
        raise DataError(
            f"{path}: {key} has npy version {version}", path=path, value=version, expected="(1, 0)"
        )
    with warnings.catch_warnings(action="ignore"):  # warnings about Python 2 headers
        shape, is_fortran, dtype = npy.read_array_header_1_0(member)
    is_images = key.endswith("images")
    expected_shape = IMAGE_SHAPE if is_images else (1,)
    if shape[1:] != expected_shape or is_fortran:
        order = " in Fortran order" if is_fortran else ""
        shape_text = ", ".join(str(n) for n in expected_shape)
        raise DataError(
            f"{path}: {key} has shape {shape}{order}",
            path=path,
            value=shape,
            expected=f"(n, {shape_text})",
        )
    if dtype != np.uint8 if is_images else dtype.kind not in "ui":
        raise DataError(
            f"{path}: {key} has dtype {dtype}",
            path=path,
            value=dtype,
            expected="uint8" if is_images else "an integer type",
        )
    if not 0 < shape[0] <= MAX_IMAGES:
        raise DataError(
            f"{path}: {key} has {shape[0]:,} rows",
            path=path,
            value=shape[0],
            expected=f"1 to {MAX_IMAGES:,}",
        )
    return shape, dtype
