"""Read arrays of the MedMNIST format from an npz file that may be damaged or malicious.

Sizes are checked before anything is unpacked, and nothing is unpickled.
"""

import io
import stat
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import SPLITS
from bloodnets.data.npy_header import (
    ArrayHeader,
    check_groups,
    check_images,
    check_labels,
    check_names,
    read_header,
)
from bloodnets.errors import DataError

MAX_FILE_BYTES = 2**32
MAX_ARCHIVE_MEMBERS = 1000
"""Maximum number of members in a file; at most ten are needed. A directory of millions takes
minutes to read."""

_MAX_GROUP = np.iinfo(np.int64).max

_FOLDER_REMEDY = (
    "pass a folder of images with --data of grid or search, or make a data file of it with "
    "bloodstudy prepare"
)

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
            is_folder = stat.S_ISDIR(status.st_mode)
            raise DataError(
                f"{path} is {'a folder' if is_folder else 'not a file'}",
                path=path,
                expected=EXPECTED_FORMAT,
                remedy=_FOLDER_REMEDY if is_folder else None,
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
        Pixels, uint8, shape (n, side, side, channels). A file may omit the last axis of gray
        images, which have one channel.

    Raises:
        DataError: The array is missing or damaged, or has another shape or type.
    """
    images = _read_array(archive, key, path, check_images).astype(np.uint8, copy=False)
    return images[..., None] if images.ndim == 3 else images


def read_labels(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[np.integer]:
    """Return labels of the archive, of any integer type, shape (n, 1); see `read_images`.

    A file may omit the last axis.
    """
    labels = cast("NDArray[np.integer]", _read_array(archive, key, path, check_labels))
    return labels.reshape(-1, 1)


def read_groups(archive: zipfile.ZipFile, path: Path) -> dict[str, NDArray[np.integer]]:
    """Return the groups of the images by key, `{split}_groups`, each of shape (n,).

    The dictionary is empty if the file has no groups.

    Raises:
        DataError: The groups of a split are missing or damaged, or have another shape or type; or
            a number is too large for int64.
    """
    keys = [f"{split}_groups" for split in SPLITS]
    present = [key for key in keys if f"{key}.npy" in archive.namelist()]
    if not present:
        return {}
    if missing := [key for key in keys if key not in present]:
        raise DataError(
            f"{path} has {' and '.join(present)}, but lacks {' and '.join(missing)}",
            path=path,
            value=present,
            expected=f"groups of {', '.join(SPLITS)}, or none",
        )
    groups = {}
    for key in keys:
        groups[key] = cast("NDArray[np.integer]", _read_array(archive, key, path, check_groups))
        if (highest := int(groups[key].max())) > _MAX_GROUP:
            raise DataError(
                f"{path}: {key} holds {highest}",
                path=path,
                value=highest,
                expected=f"at most {_MAX_GROUP}",
            )
    return groups


def read_class_names(archive: zipfile.ZipFile, path: Path) -> tuple[str, ...] | None:
    """Return the names of the classes; None if the file has no `class_names`.

    Raises:
        DataError: The array is damaged, or does not hold 2 to 100 different, nonempty names.
    """
    if "class_names.npy" not in archive.namelist():
        return None
    names = tuple(_read_array(archive, "class_names", path, check_names).tolist())
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
    archive: zipfile.ZipFile, key: str, path: Path, check: Callable[[ArrayHeader], None]
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
            header = read_header(member, key, path)
            check(header)
            # The read is bounded because the size in the archive may be wrong. It asks for one
            # byte too many because zipfile verifies the checksum only at the end of the member.
            data = member.read(header.size_bytes + 1)
    except DataError:
        raise
    except Exception as error:  # NumPy's header parser raises many kinds
        raise DataError(
            f"{path}: {key} cannot be unpacked ({_shorten_error(error)})",
            path=path,
            expected="a complete file from numpy.savez or numpy.savez_compressed",
        ) from error
    if len(data) != header.size_bytes:
        raise DataError(
            f"{path}: {key} has {'more' if len(data) > header.size_bytes else 'fewer'} bytes "
            f"than its header says",
            path=path,
            value=len(data),
            expected=f"{header.size_bytes:,}",
        )
    return np.frombuffer(data, header.dtype).reshape(header.shape)


def _shorten_error(error: Exception) -> str:
    """Return a library's message on one short line."""
    return textwrap.shorten(str(error), 100) or type(error).__name__
