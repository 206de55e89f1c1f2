"""Read image files one at a time, and keep their pixels in a file on disk instead of in memory."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.image_files import read_image_file
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError
from study.datasets.class_folders import ClassImage
from study.datasets.preparation_record import SkippedFile, SkipReason


class PixelStore:
    """Pixels of images in a file, one after the other.

    Attributes:
        image_shape: Shape of each image: (side, side), or (side, side, 3).
    """

    def __init__(self, file: IO[bytes], image_shape: tuple[int, ...]) -> None:
        self.image_shape = image_shape
        self._file = file
        self._image_bytes = int(np.prod(image_shape))

    def append(self, pixels: NDArray[np.uint8]) -> None:
        """Append an image."""
        self._file.write(pixels.tobytes())

    def read(self, row: int) -> bytes:
        """Return the bytes of an image, by its position."""
        self._file.seek(row * self._image_bytes)
        return self._file.read(self._image_bytes)


class StoredImage(NamedTuple):
    """Image whose pixels are in a store, at the same position as in its list.

    Attributes:
        source: Image file.
        digest: SHA-256 of the pixels.
        crop_side: Side of the cropped square, in pixels of the file.
        width: Width of the file's image in pixels.
        height: Height of the file's image in pixels.
        has_unused_profile: Whether the file has a color profile that cannot be used.
    """

    source: ClassImage
    digest: bytes
    crop_side: int
    width: int
    height: int
    has_unused_profile: bool


class IdenticalImages(NamedTuple):
    """Positions of images with identical pixels; each item has at least two.

    Attributes:
        duplicates: Images of one class.
        contradictory: Images of several classes.
    """

    duplicates: list[list[int]]
    contradictory: list[list[int]]


def store_images(
    sources: Sequence[ClassImage],
    store: PixelStore,
    *,
    crop: int | None,
    shape: DataShape,
    on_image: Callable[[], object],
) -> tuple[list[StoredImage], list[SkippedFile]]:
    """Return the images that can be read, after storing their pixels, and the other files.

    Args:
        sources: Image files.
        store: Empty store.
        crop: Side of the square to crop in pixels, as in `read_image_file`.
        shape: Side and channels of the stored images.
        on_image: Function that is called after each image.
    """
    images: list[StoredImage] = []
    skipped: list[SkippedFile] = []
    for source in sources:
        try:
            decoded = read_image_file(source.path, crop, shape)
        except DataError as error:
            detail = str(error).removeprefix(f"{source.path} ")
            skipped.append(
                SkippedFile(file=source.name, reason=SkipReason.UNREADABLE, detail=detail)
            )
        else:
            store.append(decoded.pixels)
            images.append(
                StoredImage(
                    source=source,
                    digest=hashlib.sha256(decoded.pixels.tobytes()).digest(),
                    crop_side=decoded.crop_side,
                    width=decoded.width,
                    height=decoded.height,
                    has_unused_profile=decoded.has_unused_profile,
                )
            )
        on_image()
    return images, skipped


def find_identical_images(images: Sequence[StoredImage]) -> IdenticalImages:
    """Return the images that have the same pixels as another one."""
    rows_by_digest: dict[bytes, list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows_by_digest[image.digest].append(row)
    identical = IdenticalImages([], [])
    for rows in rows_by_digest.values():
        if len({images[row].source.label for row in rows}) > 1:
            identical.contradictory.append(rows)
        elif len(rows) > 1:
            identical.duplicates.append(rows)
    return identical
