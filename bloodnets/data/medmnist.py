"""Load, validate and identify the splits of a file in the MedMNIST format."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import BLOODMNIST_MD5, CLASS_NAMES, NUM_CLASSES, SPLITS
from bloodnets.data.npz_file import open_archive, read_array, read_bytes
from bloodnets.data.synthetic import generate_synthetic_arrays, hash_synthetic_arrays
from bloodnets.errors import DataError

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
    content = read_bytes(path)
    with open_archive(content, path) as archive:
        arrays = {
            f"{split}_{part}": read_array(archive, f"{split}_{part}", path)
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
    with open_archive(read_bytes(path), path) as archive:
        return read_array(archive, f"{split}_images", path).astype(np.uint8, copy=False)


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
