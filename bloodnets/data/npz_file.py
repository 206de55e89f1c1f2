"""Read arrays of the MedMNIST format from an npz file that may be damaged or malicious.

Sizes are checked before anything is unpacked, and nothing is unpickled.
"""

import io
import math
import stat
import textwrap
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bloodnets.constants import SPLITS
from bloodnets.data_shape import MAX_CLASSES, MAX_SIDE, MIN_CLASSES, MIN_SIDE
from bloodnets.errors import DataError

EXPECTED_IMAGE_SHAPE = (
    f"(n, side, side, 3), or (n, side, side) if gray, with a side of {MIN_SIDE} to {MAX_SIDE}"
)
MAX_IMAGES = 1_000_000
"""Maximum number of images in a split: six times that of MedMNIST's largest set."""
MAX_ARRAY_BYTES = 2**32
"""Maximum size of an array in memory: 28,500 color images of 224 x 224 pixels."""
MAX_FILE_BYTES = 2**32
MAX_NAME_LENGTH = 200
"""Maximum number of characters in the name of a class."""
MAX_ARCHIVE_MEMBERS = 1000
"""Maximum number of members in a file; at most seven are needed. A directory of millions takes
minutes to read."""

EXPECTED_FORMAT = "an npz file in the MedMNIST format"

_HeaderCheck = Callable[[tuple[int, ...], np.dtype[np.generic], str, Path], None]
"""Check of shape and dtype in the header of an array, given its key and the path of the file."""


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        DataError: The file does not exist, is not a regular file, is empty or too large, or cannot
            be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            is_folder = stat.S_ISDIR(status.st_mode)
            raise DataError(
                f"{path} is {'a folder' if is_folder else 'not a file'}",
                path=path,
                expected=EXPECTED_FORMAT,
                remedy=f"make one with bloodstudy prepare {path}" if is_folder else None,
            )
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


def read_images(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[np.uint8]:
    """Return images of the archive, checking their header before their data are unpacked.

    Args:
        archive: Archive from `open_archive`.
        key: Key of the array, `{split}_images`.
        path: Path of the file, used in messages.

    Returns:
        Pixels, uint8, shape (n, side, side, channels). The file stores gray images, which have one
        channel, without the last axis.

    Raises:
        DataError: The array is missing or damaged, or has another shape or type.
    """
    images = _read_array(archive, key, path, _check_images).astype(np.uint8, copy=False)
    return images[..., None] if images.ndim == 3 else images


def read_labels(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[np.integer]:
    """Return labels of the archive, of any integer type, shape (n, 1); see `read_images`."""
    return cast("NDArray[np.integer]", _read_array(archive, key, path, _check_labels))


def read_class_names(archive: zipfile.ZipFile, path: Path) -> tuple[str, ...] | None:
    """Return the names of the classes; None if the file has no `class_names`.

    Raises:
        DataError: The array is damaged, or does not hold 2 to 100 different, nonempty names.
    """
    if "class_names.npy" not in archive.namelist():
        return None
    names = tuple(_read_array(archive, "class_names", path, _check_names).tolist())
    invalid = next((name for name in names if not name.strip() or not name.isprintable()), None)
    if invalid is not None or len(set(names)) < len(names):
        repeated = next((name for name in names if names.count(name) > 1), invalid)
        raise DataError(
            f"{path}: class_names holds {repeated!r}{'' if repeated == invalid else ' twice'}",
            path=path,
            value=repeated,
            expected="different, nonempty names of printable characters",
        )
    return names


def _read_array(
    archive: zipfile.ZipFile, key: str, path: Path, check: _HeaderCheck
) -> NDArray[np.generic]:
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
            check(shape, dtype, key, path)
            size_bytes = math.prod(shape) * dtype.itemsize
            _check_array_size(size_bytes, key, path)
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
    # A vector is in both orders.
    if is_fortran and len(shape) > 1:
        raise DataError(
            f"{path}: {key} has shape {shape} in Fortran order",
            path=path,
            value=shape,
            expected="C order",
        )
    return shape, dtype


def _check_images(
    shape: tuple[int, ...], dtype: np.dtype[np.generic], key: str, path: Path
) -> None:
    is_square = len(shape) in (3, 4) and shape[1] == shape[2]
    if not is_square or shape[3:] not in ((), (3,)) or not MIN_SIDE <= shape[1] <= MAX_SIDE:
        is_volume = len(shape) == 4 and shape[1] == shape[2] == shape[3]
        expected = f"images of two dimensions: {EXPECTED_IMAGE_SHAPE}"
        raise _make_shape_error(shape, key, path, expected if is_volume else EXPECTED_IMAGE_SHAPE)
    if dtype != np.uint8:
        raise _make_dtype_error(dtype, key, path, "uint8")
    _check_rows(shape, key, path)


def _check_labels(
    shape: tuple[int, ...], dtype: np.dtype[np.generic], key: str, path: Path
) -> None:
    if shape[1:] != (1,):
        raise _make_shape_error(shape, key, path, "(n, 1): one label per image")
    if dtype.kind not in "ui":
        raise _make_dtype_error(dtype, key, path, "an integer type")
    _check_rows(shape, key, path)


def _check_names(shape: tuple[int, ...], dtype: np.dtype[np.generic], key: str, path: Path) -> None:
    if len(shape) != 1 or not MIN_CLASSES <= shape[0] <= MAX_CLASSES:
        raise _make_shape_error(shape, key, path, f"(n,), with n of {MIN_CLASSES} to {MAX_CLASSES}")
    max_bytes = MAX_NAME_LENGTH * np.dtype("U1").itemsize
    if dtype.kind != "U" or not 0 < dtype.itemsize <= max_bytes:
        expected = f"text of at most {MAX_NAME_LENGTH} characters, e.g. <U20"
        raise _make_dtype_error(dtype, key, path, expected)


def _check_rows(shape: tuple[int, ...], key: str, path: Path) -> None:
    if not 0 < shape[0] <= MAX_IMAGES:
        raise DataError(
            f"{path}: {key} has {shape[0]:,} rows",
            path=path,
            value=shape[0],
            expected=f"1 to {MAX_IMAGES:,}",
        )


def _check_array_size(size_bytes: int, key: str, path: Path) -> None:
    if size_bytes > MAX_ARRAY_BYTES:
        raise DataError(
            f"{path}: {key} takes {size_bytes / 2**30:.1f} GiB of memory",
            path=path,
            value=size_bytes,
            expected=f"at most {MAX_ARRAY_BYTES / 2**30:.0f} GiB",
            remedy="use smaller images",
        )


def _make_shape_error(shape: tuple[int, ...], key: str, path: Path, expected: str) -> DataError:
    return DataError(f"{path}: {key} has shape {shape}", path=path, value=shape, expected=expected)


def _make_dtype_error(
    dtype: np.dtype[np.generic], key: str, path: Path, expected: str
) -> DataError:
    return DataError(f"{path}: {key} has dtype {dtype}", path=path, value=dtype, expected=expected)
