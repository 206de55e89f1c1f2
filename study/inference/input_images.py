"""Read images to classify from image files, folders and npz files."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import IMAGE_SIDE
from bloodnets.data.image_files import IMAGE_SUFFIXES, read_image_file
from bloodnets.data.medmnist import load_images
from bloodnets.errors import DataError


class InputImage(NamedTuple):
    """Image in the format of BloodMNIST.

    Attributes:
        name: File name; an image from an npz file has split and index, e.g. `cells.npz:test/17`.
        pixels: Pixels, uint8, shape (28, 28, 3), red, green, blue.
        note: Remark on how the pixels were made, e.g. that they are enlarged; usually None.
    """

    name: str
    pixels: NDArray[np.uint8]
    note: str | None = None


def read_input_images(
    paths: Sequence[Path], *, split: str, crop: int | None, on_skip: Callable[[str], None]
) -> Iterator[InputImage]:
    """Yield images, one after the other.

    Args:
        paths: Paths of image files, of folders, and of files in the MedMNIST format (`.npz`). The
            image files of folders and their subfolders are read.
        split: Name of the split to read from npz files.
        crop: Side of the square to crop in pixels, as in `read_image_file`.
        on_skip: Function that is called with a message for each path that cannot be used.
    """
    for path in paths:
        if path.suffix.lower() == ".npz":
            yield from _read_archive_images(path, split, on_skip)
            continue
        for file in _list_image_files(path, on_skip) if path.is_dir() else [path]:
            try:
                decoded_image = read_image_file(file, crop)
            except DataError as error:
                on_skip(str(error))
                continue
            side = decoded_image.crop_side
            note = f"enlarged from {side} x {side} pixels" if side < IMAGE_SIDE else None
            yield InputImage(str(file), decoded_image.pixels, note)


def _read_archive_images(
    path: Path, split: str, on_skip: Callable[[str], None]
) -> Iterator[InputImage]:
    try:
        images = load_images(path, split)
    except DataError as error:
        on_skip(str(error))
        return
    for index, pixels in enumerate(images):
        yield InputImage(f"{path}:{split}/{index}", pixels)


def _list_image_files(folder: Path, on_skip: Callable[[str], None]) -> list[Path]:
    """Return the image files of a folder and its subfolders by name, without hidden files."""

    def report_unreadable(error: OSError) -> None:
        on_skip(f"{error.filename} cannot be read: {error.strerror}")

    image_paths = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=report_unreadable)
        for name in names
        if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
    ]
    if not image_paths:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        on_skip(f"{folder} contains no image files; expected: names that end in {suffixes}")
    return sorted(image_paths)
