"""Read images that are not the study's, from image files, folders and npz files."""

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
    """An image as the network sees it.

    Attributes:
        name: of its file; of one of an npz file with split and place: `cells.npz:test/17`.
        pixels: uint8, shape (28, 28, 3).
        note: what a reader should know of how it was made; None mostly.
    """

    name: str
    pixels: NDArray[np.uint8]
    note: str | None = None


def read_input_images(
    paths: Sequence[Path], *, split: str, crop: int | None, on_skip: Callable[[str], None]
) -> Iterator[InputImage]:
    """Read images, one after the other.

    Args:
        paths: of image files; of folders, of which the image files are taken, also those in
            folders within; and of files in the MedMNIST format (`.npz`).
        split: that is taken of the last.
        crop: as in `read_image_file`.
        on_skip: is told what cannot be used, and why.
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
    """The image files of a folder and of those within it, by their names; not the hidden ones."""

    def report_unreadable(error: OSError) -> None:
        on_skip(f"{error.filename} cannot be read: {error.strerror}")

    image_paths = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=report_unreadable)
        for name in names
        if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
    ]
    if not image_paths:
        on_skip(f"{folder} holds no image file: none ends in {', '.join(sorted(IMAGE_SUFFIXES))}")
    return sorted(image_paths)
