"""Read and check the header of an array in an npz file, before its data are unpacked."""

import math
import warnings
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from bloodnets.data_shape import MAX_CLASSES, MAX_SIDE, MIN_CLASSES, MIN_SIDE
from bloodnets.errors import DataError

MAX_IMAGES = 1_000_000
"""Maximum number of images in a split: six times that of MedMNIST's largest set."""

MAX_ARRAY_BYTES = 2**32
"""Maximum size of an array in memory: 28,500 color images of 224 x 224 pixels."""

MAX_NAME_LENGTH = 200
"""Maximum number of characters in the name of a class."""

_IMAGE_SHAPE = (
    f"(n, side, side, 3), or (n, side, side) if gray, with a side of {MIN_SIDE} to {MAX_SIDE}"
)


class ArrayHeader(NamedTuple):
    """Header of an array.

    Attributes:
        shape: Shape of the array.
        dtype: Type of its elements.
        key: Key of the array in the file, used in messages.
        path: Path of the file, used in messages.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    key: str
    path: Path

    @property
    def size_bytes(self) -> int:
        """Size of the array in memory, in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(member: IO[bytes], key: str, path: Path) -> ArrayHeader:
    """Read the header of an array, after which its data begin.

    Args:
        member: Open member of an npz file, at its beginning.
        key: Key of the array.
        path: Path of the file.

    Raises:
        DataError: The array is of another version of the npy format or in Fortran order.
        ValueError: The header is damaged; NumPy's parser raises many other kinds, too.
    """
    if (version := npy.read_magic(member)) != (1, 0):
        raise DataError(
            f"{path}: {key} has npy version {version}", path=path, value=version, expected="(1, 0)"
        )
    with warnings.catch_warnings(action="ignore"):  # warnings about Python 2 headers
        shape, is_fortran, dtype = npy.read_array_header_1_0(member)
    header = ArrayHeader(shape, dtype, key, path)
    # A vector is in both orders.
    if is_fortran and len(shape) > 1:
        raise DataError(
            f"{path}: {key} has shape {shape} in Fortran order",
            path=path,
            value=shape,
            expected="C order",
        )
    return header


def check_images(header: ArrayHeader) -> None:
    """Raise `DataError` if an array does not hold square images of uint8."""
    shape = header.shape
    is_square = len(shape) in (3, 4) and shape[1] == shape[2]
    if not is_square or shape[3:] not in ((), (1,), (3,)) or not MIN_SIDE <= shape[1] <= MAX_SIDE:
        is_volume = len(shape) == 4 and shape[1] == shape[2] == shape[3]
        expected = f"images of two dimensions: {_IMAGE_SHAPE}" if is_volume else _IMAGE_SHAPE
        raise _make_shape_error(header, expected)
    if header.dtype != np.uint8:
        raise _make_dtype_error(header, "uint8")
    _check_rows(header)


def check_labels(header: ArrayHeader) -> None:
    """Raise `DataError` if an array does not hold one integer per image."""
    if len(header.shape) not in (1, 2) or header.shape[1:] not in ((), (1,)):
        raise _make_shape_error(header, "(n, 1) or (n,): one label per image")
    if header.dtype.kind not in "ui":
        raise _make_dtype_error(header, "an integer type")
    _check_rows(header)


def check_groups(header: ArrayHeader) -> None:
    """Raise `DataError` if an array does not hold one integer per image, without a second axis."""
    if len(header.shape) != 1:
        raise _make_shape_error(header, "(n,): one group per image")
    if header.dtype.kind not in "ui":
        raise _make_dtype_error(header, "an integer type")
    _check_rows(header)


def check_names(header: ArrayHeader) -> None:
    """Raise `DataError` if an array does not hold the names of 2 to 100 classes."""
    if len(header.shape) != 1 or not MIN_CLASSES <= header.shape[0] <= MAX_CLASSES:
        raise _make_shape_error(header, f"(n,), with n of {MIN_CLASSES} to {MAX_CLASSES}")
    max_bytes = MAX_NAME_LENGTH * np.dtype("U1").itemsize
    if header.dtype.kind != "U" or not 0 < header.dtype.itemsize <= max_bytes:
        raise _make_dtype_error(header, f"text of at most {MAX_NAME_LENGTH} characters, e.g. <U20")


def _check_rows(header: ArrayHeader) -> None:
    n_rows, size_bytes = header.shape[0], header.size_bytes
    if not 0 < n_rows <= MAX_IMAGES:
        raise DataError(
            f"{header.path}: {header.key} has {n_rows:,} rows",
            path=header.path,
            value=n_rows,
            expected=f"1 to {MAX_IMAGES:,}",
        )
    if size_bytes > MAX_ARRAY_BYTES:
        raise DataError(
            f"{header.path}: {header.key} takes {size_bytes / 2**30:.1f} GiB of memory",
            path=header.path,
            value=size_bytes,
            expected=f"at most {MAX_ARRAY_BYTES / 2**30:.0f} GiB",
            remedy="use smaller images",
        )


def _make_shape_error(header: ArrayHeader, expected: str) -> DataError:
    return DataError(
        f"{header.path}: {header.key} has shape {header.shape}",
        path=header.path,
        value=header.shape,
        expected=expected,
    )


def _make_dtype_error(header: ArrayHeader, expected: str) -> DataError:
    return DataError(
        f"{header.path}: {header.key} has dtype {header.dtype}",
        path=header.path,
        value=header.dtype,
        expected=expected,
    )
