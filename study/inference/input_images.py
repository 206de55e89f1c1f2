"""Read images to classify from image files, folders and npz files."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.image_files import ACCEPTED_FORMATS, IMAGE_SUFFIXES, read_image_file
from bloodnets.data.medmnist import load_images
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError
from reports.format.units import format_count
from study.datasets.image_folder import is_system_name, list_image_folder

MAX_EXPLAINED_IMAGES = 100
"""Maximum number of images that are explained, each with a figure of its own."""

MAX_LISTED_KINDS = 8
"""Maximum number of kinds of files that a message names."""


class InputImage(NamedTuple):
    """Image in the format of a study's data.

    Attributes:
        name: File name; an image from an npz file has split and index, e.g. `cells.npz:test/17`.
        pixels: Pixels, uint8, shape (side, side, channels).
        note: Remark on how the pixels were made, e.g. that they are enlarged; usually None.
    """

    name: str
    pixels: NDArray[np.uint8]
    note: str | None = None


def read_input_images(
    paths: Sequence[Path],
    shape: DataShape,
    *,
    split: str,
    crop: int | None,
    on_skip: Callable[[str], None],
    on_leave_out: Callable[[str], None],
    on_split: Callable[[Path, NDArray[np.uint8]], None] = lambda _path, _images: None,
) -> Iterator[InputImage]:
    """Yield images, one after the other.

    Args:
        paths: Paths of image files, of folders, and of files in the MedMNIST format (`.npz`). The
            image files of folders and their subfolders are read.
        shape: Shape of the study's data.
        split: Name of the split to read from npz files.
        crop: Side of the square to crop in pixels, as in `read_image_file`.
        on_skip: Function that is called with a message for images that cannot be used.
        on_leave_out: Function that is called with a message for other files, e.g. hidden files.
        on_split: Function that is called with the path of each npz file and all images of its
            split, before they are yielded.
    """
    for path in paths:
        if is_system_name(path.name):  # a shell lists them for `photographs/*`
            on_leave_out(f"{path}, created by a system")
        elif path.suffix.lower() == ".npz":
            yield from _read_archive_images(path, shape, split, on_skip, on_split)
        elif os.path.isdir(path):
            for file in _list_image_files(path, on_skip, on_leave_out):
                yield from _read_image(file, shape, crop, on_skip)
        else:
            yield from _read_image(path, shape, crop, on_skip)


def list_explained_images(images: Iterable[InputImage]) -> list[InputImage]:
    """Return the images to explain.

    Raises:
        DataError: There are more than `MAX_EXPLAINED_IMAGES`.
    """
    listed_images = list(islice(images, MAX_EXPLAINED_IMAGES + 1))
    if len(listed_images) > MAX_EXPLAINED_IMAGES:
        raise DataError(
            f"--explain is given for more than {MAX_EXPLAINED_IMAGES} images",
            expected=f"at most {MAX_EXPLAINED_IMAGES} images",
            remedy="name fewer images",
        )
    return listed_images


def _read_image(
    path: Path, shape: DataShape, crop: int | None, on_skip: Callable[[str], None]
) -> Iterator[InputImage]:
    try:
        decoded_image = read_image_file(path, crop, shape)
    except DataError as error:
        on_skip(str(error))
        return
    side = decoded_image.crop_side
    notes = []
    if side < shape.side:
        notes.append(f"enlarged from {side} x {side} pixels")
    if decoded_image.has_unused_profile:
        notes.append("its color profile cannot be used")
    yield InputImage(str(path), decoded_image.pixels, ", ".join(notes) or None)


def _read_archive_images(
    path: Path,
    shape: DataShape,
    split: str,
    on_skip: Callable[[str], None],
    on_split: Callable[[Path, NDArray[np.uint8]], None],
) -> Iterator[InputImage]:
    try:
        images = load_images(path, split, shape)
    except DataError as error:
        on_skip(str(error))
        return
    on_split(path, images)
    for index, pixels in enumerate(images):
        yield InputImage(f"{path}:{split}/{index}", pixels)


def _list_image_files(
    folder: Path, on_skip: Callable[[str], None], on_leave_out: Callable[[str], None]
) -> list[Path]:
    """Return the image files of a folder and its subfolders by name, and report the others."""
    listing = list_image_folder(folder)
    for error in listing.errors:
        on_skip(f"{error.filename} cannot be read: {error.strerror}")
    if listing.unread_images:
        counts = _format_counts(
            Counter(f"{file.suffix.lower()} file" for file in listing.unread_images)
        )
        on_skip(f"{counts} in {folder}; expected: {ACCEPTED_FORMATS}")
    if listing.left_out:
        on_leave_out(f"{_format_counts(listing.left_out)} in {folder}")
    if not listing.images:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        on_skip(f"{folder} contains no image files; expected: names that end in {suffixes}")
    return listing.images


def _format_counts(counts: Mapping[str, int]) -> str:
    """Return numbers of files by kind, the most frequent first, e.g. `3 .txt files, 1 .db file`."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    texts = [format_count(number, kind) for kind, number in ranked[:MAX_LISTED_KINDS]]
    if n_others := sum(number for _, number in ranked[MAX_LISTED_KINDS:]):
        texts.append(f"{n_others:,} of other kinds")
    return ", ".join(texts)
