"""Load, validate and identify the splits of a file in the MedMNIST format."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import CLASS_NAMES, SPLITS
from bloodnets.data.npz_file import (
    open_archive,
    read_bytes,
    read_class_names,
    read_groups,
    read_images,
    read_labels,
)
from bloodnets.data.synthetic import generate_synthetic_arrays, hash_synthetic_arrays
from bloodnets.data_shape import MAX_CLASSES, MIN_CLASSES, DataShape
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import MedMnistFile, find_file, get_bloodmnist

DataKind = Literal["official", "medmnist", "file", "synthetic"]


class Split(NamedTuple):
    """Images with their classes.

    Attributes:
        images: Pixels, uint8, shape (n, side, side, channels): red, green, blue, or gray.
        labels: Classes, uint8, shape (n,).
        groups: Groups of images that belong together, e.g. those of a patient, int64, shape (n,);
            None if they are not known. Equal numbers in two splits are the same group.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    groups: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodCells:
    """Three splits and the identity of the data.

    Attributes:
        train: Images on which models are trained.
        val: Images by which epochs and configurations are selected.
        test: Images for the test evaluation of selected models.
        kind: Kind of data: `official` (BloodMNIST with 28 x 28 pixels, by its MD5), `medmnist`
            (another file of MedMNIST, by its MD5), `file` (any other file) or `synthetic`.
        path: Absolute path of the file; None for synthetic cells.
        name: Name of the file; `synthetic` for synthetic cells.
        md5: MD5 of the file's bytes; None for synthetic cells.
        sha256: SHA-256 of the file's bytes, or of the synthetic arrays' bytes.
        class_names: Names of the classes, in the order of the labels.
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

    @property
    def shape(self) -> DataShape:
        """Number of classes, channels and side of the images."""
        _, side, _, channels = self.train.images.shape
        return DataShape(n_classes=len(self.class_names), channels=channels, side=side)


def load_synthetic() -> BloodCells:
    """Return synthetic cells, without reading a file or using the network."""
    arrays = generate_synthetic_arrays()
    splits = {name: _make_split(arrays, name) for name in SPLITS}
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

    The file needs the keys `{split}_images`, uint8 (n, side, side, 3) or, if gray, (n, side, side),
    and `{split}_labels`, integers (n, 1) or (n,) from 0, for train, val and test. `class_names`,
    text (classes,), names the classes. Without it, a file of MedMNIST, recognized by its MD5, has
    the names of its data set. In other files, eight classes of color images have the names of
    BloodMNIST, and others are numbered up to the largest label. `{split}_groups`, integers (n,),
    are the groups of the images, e.g. patients; all three splits have them or none. Sizes are
    checked before anything is unpacked, and nothing is unpickled.

    Raises:
        DataError: The file is not in this format; the message gives the key, the value found and
            the expected value.
    """
    content = read_bytes(path)
    with open_archive(content, path) as archive:
        arrays: dict[str, NDArray[np.integer]] = {}
        for split in SPLITS:
            arrays[f"{split}_images"] = read_images(archive, f"{split}_images", path)
            arrays[f"{split}_labels"] = read_labels(archive, f"{split}_labels", path)
        arrays |= read_groups(archive, path)
        class_names = read_class_names(archive, path)
    _check_arrays(arrays, None if class_names is None else len(class_names), path)
    splits = {name: _make_split(arrays, name) for name in SPLITS}
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    medmnist_file = find_file(md5)
    if class_names is None:
        class_names = (
            _choose_class_names(splits)
            if medmnist_file is None
            else medmnist_file.data_set.class_names
        )
    return BloodCells(
        **splits,
        kind=_get_kind(medmnist_file),
        path=path.absolute(),
        name=path.name,
        md5=md5,
        sha256=hashlib.sha256(content).hexdigest(),
        class_names=class_names,
        dropped=None,
    )


def load_images(path: Path, split: str, shape: DataShape) -> NDArray[np.uint8]:
    """Return the images of one split of a file in the MedMNIST format.

    The file needs no other arrays.

    Args:
        path: Path of the file.
        split: Name of the split: `train`, `val` or `test`.
        shape: Shape that the images must have.

    Returns:
        Pixels, uint8, shape (n, side, side, channels).

    Raises:
        DataError: The file or the array is not in this format, as in `load_file`, or the
            images have another shape.
    """
    with open_archive(read_bytes(path), path) as archive:
        images = read_images(archive, f"{split}_images", path)
    if (stored_shape := _get_stored_shape(images))[1:] != shape.image_shape:
        raise DataError(
            f"{path}: {split}_images has shape {stored_shape}",
            path=path,
            value=stored_shape,
            expected=f"(n, {', '.join(map(str, shape.image_shape))}), as in the study",
        )
    return images


def _check_arrays(
    arrays: Mapping[str, NDArray[np.integer]], n_classes: int | None, path: Path
) -> None:
    """Check that the arrays of a file match each other.

    Args:
        arrays: Images, labels and, if the file has them, groups, by key.
        n_classes: Number of named classes; None if the file does not name them.
        path: Path of the file, used in messages.
    """
    first_shape = _get_stored_shape(arrays["train_images"])
    for split in SPLITS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if (shape := _get_stored_shape(images))[1:] != first_shape[1:]:
            raise DataError(
                f"{path}: {split}_images has shape {shape}",
                path=path,
                value=shape,
                expected=f"(n, {', '.join(map(str, first_shape[1:]))}), as in train_images",
            )
        for key in (f"{split}_labels", f"{split}_groups"):
            if key in arrays and len(arrays[key]) != len(images):
                raise DataError(
                    f"{path}: {key} has {len(arrays[key])} rows",
                    path=path,
                    value=len(arrays[key]),
                    expected=f"{len(images)}, as many as {split}_images",
                )
        invalid_labels = labels[(labels < 0) | (labels >= (n_classes or MAX_CLASSES))]
        if invalid_labels.size:
            raise DataError(
                f"{path}: {split}_labels holds {invalid_labels[0]}",
                path=path,
                value=int(invalid_labels[0]),
                expected=f"0 to {(n_classes or MAX_CLASSES) - 1}",
            )
    if n_classes is None and not any(arrays[f"{split}_labels"].any() for split in SPLITS):
        raise DataError(
            f"{path}: every label is 0", path=path, value=1, expected=f"{MIN_CLASSES} classes"
        )


def _get_stored_shape(images: NDArray[np.integer]) -> tuple[int, ...]:
    """Return the shape of images in the file, which omits the channel of gray images."""
    return images.shape[:3] if images.shape[3] == 1 else images.shape


def _get_kind(medmnist_file: MedMnistFile | None) -> DataKind:
    if medmnist_file is None:
        return "file"
    return "official" if medmnist_file == get_bloodmnist() else "medmnist"


def _choose_class_names(splits: Mapping[str, Split]) -> tuple[str, ...]:
    """Return names for the classes of a file that does not name them."""
    n_classes = 1 + max(int(split.labels.max()) for split in splits.values())
    if n_classes == len(CLASS_NAMES) and splits["train"].images.shape[-1] == 3:
        return CLASS_NAMES
    return tuple(f"class {index}" for index in range(n_classes))


def _make_split(arrays: Mapping[str, NDArray[np.integer]], name: str) -> Split:
    images, labels = arrays[f"{name}_images"], arrays[f"{name}_labels"]
    groups = arrays.get(f"{name}_groups")
    return Split(
        images.astype(np.uint8, copy=False),
        labels.astype(np.uint8)[:, 0],
        None if groups is None else groups.astype(np.int64),
    )
