"""Images on disk with their digests, and those with the same pixels."""

from pathlib import Path

import numpy as np

from bloodnets.data_shape import DataShape
from study.datasets.class_folders import ClassImage
from study.datasets.preparation_record import SkipReason
from study.datasets.stored_images import (
    PixelStore,
    StoredImage,
    find_identical_images,
    store_images,
)
from tests.helpers.image_folders import make_pixels, write_images

SHAPE = DataShape(n_classes=2, channels=3, side=8)


def make_stored(*images: tuple[bytes, int]) -> list[StoredImage]:
    return [
        StoredImage(
            ClassImage(f"{row}.png", Path(f"{row}.png"), label, None), digest, 8, 8, 8, False
        )
        for row, (digest, label) in enumerate(images)
    ]


def test_store_images_unreadable_file_is_skipped(tmp_path: Path) -> None:
    names = ("a/1.png", "a/2.png", "b/1.png")
    write_images(tmp_path, *names)
    (tmp_path / "a/2.png").write_bytes(b"")
    sources = [ClassImage(name, tmp_path / name, 0, None) for name in names]
    steps: list[None] = []
    with (tmp_path / "pixels").open("w+b") as file:
        store = PixelStore(file, SHAPE.image_shape)
        images, skipped = store_images(
            sources, store, crop=None, shape=SHAPE, on_image=lambda: steps.append(None)
        )
        rows = [store.read(row) for row in (1, 0)]
    assert [image.source.name for image in images] == ["a/1.png", "b/1.png"]
    assert [(image.crop_side, image.width, image.height) for image in images] == [(8, 8, 8)] * 2
    assert images[0].digest != images[1].digest
    assert rows == [
        make_pixels(int.from_bytes(n.encode())).tobytes() for n in ("b/1.png", "a/1.png")
    ]
    assert [(file.file, file.reason) for file in skipped] == [("a/2.png", SkipReason.UNREADABLE)]
    assert skipped[0].detail is not None
    assert str(tmp_path) not in skipped[0].detail
    assert len(steps) == 3


def test_pixel_store_gray_images_keep_their_shape(tmp_path: Path) -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    with (tmp_path / "pixels").open("w+b") as file:
        store = PixelStore(file, (8, 8))
        store.append(pixels)
        store.append(pixels.T)
        assert store.read(1) == pixels.T.tobytes()
        assert store.read(0) == pixels.tobytes()


def test_find_identical_images_classes_decide_whether_they_contradict() -> None:
    images = make_stored((b"x", 0), (b"y", 0), (b"x", 0), (b"z", 1), (b"y", 1), (b"y", 0))
    identical = find_identical_images(images)
    assert identical.duplicates == [[0, 2]]
    assert identical.contradictory == [[1, 4, 5]]
