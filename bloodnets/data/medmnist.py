"""Load, validate and identify the splits of a file in the MedMNIST format."""

import hashlib
import io
import math
import stat
import textwrap
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bloodnets.constants import (
    BLOODMNIST_MD5,
    CHANNELS,
    CLASS_NAMES,
    IMAGE_SIDE,
    NUM_CLASSES,
    SPLITS,
)
from bloodnets.data.synthetic import generate_synthetic_arrays, hash_synthetic_arrays
from bloodnets.errors import DataError

IMAGE_SHAPE = (IMAGE_SIDE, IMAGE_SIDE, CHANNELS)
MAX_IMAGES = 100_000
"""Maximum number of images in a split: eight times BloodMNIST's train, 0.24 GB of memory."""
MAX_FILE_BYTES = 2**30
MAX_ARCHIVE_MEMBERS = 1000
"""Maximum number of members in a file; six are needed. A directory of millions takes minutes to
read."""

EXPECTED_FORMAT = "an npz file in the MedMNIST format"

DataKind = Literal["official", "file", "synthetic"]


class Split(NamedTuple):
    """Images with their classes.

    Attributes:
        images: Pixels, uint8, shape (n, 28, 28, 3), red, green, blue.
        labels: Classes, uint8, shape (n,), 0 to 7.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodCells:
    """Three splits and the identity of the data.

    Attributes:
        train: Images on which models are trained.
        val: Images by which epochs and configurations are selected.
        test: Images for the test evaluation of selected models.
        kind: Kind of data: `official` (BloodMNIST, by its MD5), `file` (any other file) or
            `synthetic`.
        path: Absolute path of the file; None for synthetic cells.
        name: Name of the file; `synthetic` for synthetic cells.
        md5: MD5 of the file's bytes; None for synthetic cells.
        sha256: SHA-256 of the file's bytes, or of the synthetic arrays' bytes.
        class_names: Names of the eight classes, in the order of the labels.
        dropped: Numbers of images that `--drop-duplicates` removed, by split (`train`, `val`);
            None without this option.
    """

    train: Split
    val: Split
    test: Split
    kind: DataKind
    path: Path | None
    name: str
    md5: str | None
    sha256: str
    class_names: tuple[str, ...]
    dropped: Mapping[str, int] | None


def load_synthetic() -> BloodCells:
    """Return synthetic cells, without reading a file or using the network."""
    arrays = generate_synthetic_arrays()
    splits = {name: _make_split(arrays, name, "synthetic") for name in SPLITS}
    return BloodCells(
        **splits,
        kind="synthetic",
        path=None,
        name="synthetic",
        md5=None,
        sha256=hash_synthetic_arrays(arrays),
        class_names=CLASS_NAMES,
        dropped=None,
    )


def load_file(path: Path) -> BloodCells:
    """Read and validate a file in the MedMNIST format.

    The file needs the keys `{split}_images`, uint8 (n, 28, 28, 3), and `{split}_labels`,
    integers (n, 1) from 0 to 7, for train, val and test. Sizes are checked before anything is
    unpacked, and nothing is unpickled.

    Raises:
        DataError: The file is not in this format; the message gives the key, the value found and
            the expected value.
    """
    content = _read_bytes(path)
    with _open_archive(content, path) as archive:
        arrays = {
            f"{split}_{part}": _read_array(archive, f"{split}_{part}", path)
            for split in SPLITS
            for part in ("images", "labels")
        }
    splits = {name: _make_split(arrays, name, str(path)) for name in SPLITS}
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return BloodCells(
        **splits,
        kind="official" if md5 == BLOODMNIST_MD5 else "file",
        path=path.absolute(),
        name=path.name,
        md5=md5,
        sha256=hashlib.sha256(content).hexdigest(),
        class_names=CLASS_NAMES,
        dropped=None,
    )


def load_images(path: Path, split: str) -> NDArray[np.uint8]:
    """Return the images of one split of a file in the MedMNIST format.

    The file needs no other arrays.

    Args:
        path: Path of the file.
        split: Name of the split: `train`, `val` or `test`.

    Returns:
        Pixels, uint8, shape (n, 28, 28, 3).

    Raises:
        DataError: The file or the array is not in this format, as in `load_file`.
    """
    with _open_archive(_read_bytes(path), path) as archive:
        return _read_array(archive, f"{split}_images", path).astype(np.uint8, copy=False)


def _read_bytes(path: Path) -> bytes:
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


def _open_archive(content: bytes, path: Path) -> zipfile.ZipFile:
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


def _read_array(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[np.integer]:
    """Return a member of the archive, checking its header before its data are unpacked."""
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


def _make_split(arrays: Mapping[str, NDArray[np.integer]], name: str, source: str) -> Split:
    images, labels = arrays[f"{name}_images"], arrays[f"{name}_labels"]
    if len(images) != len(labels):
        raise DataError(
            f"{source}: {name}_labels has {len(labels)} rows",
            path=source,
            value=len(labels),
            expected=f"{len(images)}, as many as {name}_images",
        )
    invalid_labels = labels[(labels < 0) | (labels >= NUM_CLASSES)]
    if invalid_labels.size:
        raise DataError(
            f"{source}: {name}_labels holds {invalid_labels[0]}",
            path=source,
            value=int(invalid_labels[0]),
            expected=f"0 to {NUM_CLASSES - 1}",
        )
    return Split(images.astype(np.uint8, copy=False), labels.astype(np.uint8)[:, 0])
