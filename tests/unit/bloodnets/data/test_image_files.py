"""Image files of every kind to the pixels of a model, or one line that says why not."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bloodnets.data.image_files import MAX_PIXELS, read_image_file
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.errors import DataError

CELL: NDArray[np.uint8] = np.random.default_rng(0).integers(256, size=(28, 28, 3), dtype=np.uint8)


def photograph(width: int, height: int) -> Image.Image:
    """Smooth, and different in every part."""
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)
    pixels = np.stack(
        [np.tile(x, (height, 1)), np.tile(y[:, None], (1, width)), x[None] / 2 + y[:, None] / 2],
        axis=2,
    )
    return Image.fromarray(pixels.astype(np.uint8))


def read(image: Image.Image, path: Path, crop: int | None = None) -> NDArray[np.int64]:
    image.save(path)
    return read_image_file(path, crop, BLOODMNIST_SHAPE).pixels.astype(np.int64)


@pytest.mark.parametrize("crop", [None, 28, 200])
def test_read_image_file_28_pixels_returns_them_unchanged(tmp_path: Path, crop: int | None) -> None:
    assert np.array_equal(read(Image.fromarray(CELL), tmp_path / "a.png", crop), CELL)


def test_read_image_file_photograph_resizes_the_centered_square(tmp_path: Path) -> None:
    """As BloodMNIST was made: 200 x 200 of 360 x 363, bilinear."""
    whole = photograph(360, 363)
    expected = whole.crop((80, 81, 280, 281)).resize((28, 28), Image.Resampling.BILINEAR)
    assert np.array_equal(read(whole, tmp_path / "a.png", 200), np.asarray(expected))
    largest = whole.crop((0, 1, 360, 361)).resize((28, 28), Image.Resampling.BILINEAR)
    assert np.array_equal(read(whole, tmp_path / "b.png"), np.asarray(largest))
    assert read_image_file(tmp_path / "a.png", 200, BLOODMNIST_SHAPE).crop_side == 200


@pytest.mark.parametrize("side", [8, 64, 256])
def test_read_image_file_other_side_resizes_to_it(tmp_path: Path, side: int) -> None:
    whole = photograph(360, 363)
    whole.save(tmp_path / "a.png")
    found = read_image_file(tmp_path / "a.png", 200, DataShape(n_classes=2, channels=3, side=side))
    expected = whole.crop((80, 81, 280, 281)).resize((side, side), Image.Resampling.BILINEAR)
    assert np.array_equal(found.pixels, np.asarray(expected))
    assert (found.crop_side, found.width, found.height) == (200, 360, 363)


def test_read_image_file_one_channel_returns_the_luminance(tmp_path: Path) -> None:
    shape = DataShape(n_classes=2, channels=1, side=28)
    color, gray = Image.fromarray(CELL), Image.fromarray(CELL[..., 0])
    for name, image in (("color", color), ("gray", gray)):
        image.save(tmp_path / f"{name}.png")
        found = read_image_file(tmp_path / f"{name}.png", None, shape)
        assert found.pixels.shape == (28, 28, 1)
        assert np.array_equal(found.pixels[..., 0], np.asarray(image.convert("L")))


def test_read_image_file_small_image_is_enlarged(tmp_path: Path) -> None:
    photograph(14, 20).save(tmp_path / "a.png")
    found = read_image_file(tmp_path / "a.png", None, BLOODMNIST_SHAPE)
    assert (found.pixels.shape, found.crop_side) == ((28, 28, 3), 14)


@pytest.mark.parametrize("size", [(650, 601), (610, 700)])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_read_image_file_large_image_in_pieces_equals_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, size: tuple[int, int]
) -> None:
    """What is large is set lower, so that the test is fast."""
    rings = Image.effect_mandelbrot(size, (-3, -2.5, 2, 2.5), 20)
    image = Image.merge("RGB", (rings, rings.rotate(90), rings.point(lambda v: 255 - v)))
    at_once = read(image, tmp_path / f"a.{suffix}")
    monkeypatch.setattr("bloodnets.data.image_files.MAX_RESIZE_SIDE", 256)
    found = read_image_file(tmp_path / f"a.{suffix}", None, BLOODMNIST_SHAPE)
    assert found.crop_side == min(size)
    deviation = np.abs(found.pixels - at_once)
    assert 0 < deviation.max() <= 8
    assert deviation.mean() < 1
    alpha = image.copy()
    alpha.putalpha(255)
    alpha.save(tmp_path / "alpha.png")
    image.save(tmp_path / "opaque.png")
    one, other = (
        read_image_file(tmp_path / f"{n}.png", None, BLOODMNIST_SHAPE) for n in ("alpha", "opaque")
    )
    assert np.array_equal(one.pixels, other.pixels)


def test_read_image_file_transparent_pixels_become_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([CELL, np.full((28, 28), 255, np.uint8)]))
    assert np.array_equal(read(image, tmp_path / "opaque.png"), CELL)
    image.putalpha(0)
    assert (read(image, tmp_path / "clear.png") == 255).all()
    palette = Image.new("P", (40, 40), 3)
    palette.putpalette([c for i in range(256) for c in (i, 0, 0)])
    palette.save(tmp_path / "p.png", transparency=3)
    assert (read_image_file(tmp_path / "p.png", None, BLOODMNIST_SHAPE).pixels == 255).all()


def test_read_image_file_other_modes_become_rgb(tmp_path: Path) -> None:
    grey = Image.fromarray(CELL[..., 0])
    for channel in np.moveaxis(read(grey, tmp_path / "grey.png"), 2, 0):
        assert np.array_equal(channel, CELL[..., 0])
    deep = Image.fromarray(CELL[..., 0].astype(np.uint16) * 256 + 255)
    for suffix in ("png", "tif"):
        assert np.array_equal(read(deep, tmp_path / f"deep.{suffix}")[..., 1], CELL[..., 0])
    palette = Image.fromarray(CELL // 64 * 64).quantize(64)
    assert np.array_equal(read(palette, tmp_path / "p.gif"), np.asarray(palette.convert("RGB")))
    flat = Image.new("RGB", (60, 60), (200, 100, 50)).convert("CMYK")
    assert np.abs(read(flat, tmp_path / "c.jpg") - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_read_image_file_exif_orientation_is_applied(tmp_path: Path, suffix: str) -> None:
    """6: the camera was turned; the top of what it saw is at the right of what it stored."""
    upright = photograph(60, 40)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / f"a.{suffix}", exif=exif)
    expected = read(upright, tmp_path / "b.png")
    assert (
        np.abs(
            read_image_file(tmp_path / f"a.{suffix}", None, BLOODMNIST_SHAPE).pixels - expected
        ).max()
        <= 12
    )


def test_read_image_file_jpeg_with_two_pictures_returns_the_first(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (60, 60), "red"), Image.new("RGB", (60, 60), "blue")
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    red, _, blue = read_image_file(tmp_path / "a.jpg", None, BLOODMNIST_SHAPE).pixels[0, 0]
    assert red > 200
    assert blue < 50


def bomb(path: Path, side: int) -> None:
    """A PNG that says it has that many pixels; there are none."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 100) + b"IDAT")


@pytest.mark.parametrize(
    ("name", "cause", "value", "expected"),
    [
        ("none.png", FileNotFoundError, None, ""),
        ("folder", None, None, ""),
        ("pipe", None, None, ""),
        ("text.png", UnidentifiedImageError, None, "PNG, JPEG"),
        ("empty.png", UnidentifiedImageError, None, "PNG, JPEG"),
        ("drawing.eps", UnidentifiedImageError, None, "PNG, JPEG"),
        ("cut.png", OSError, None, ""),
        ("cut.jpg", OSError, None, ""),
        ("moving.gif", None, 2, "one"),
        ("moving.png", None, 2, "one"),
        ("pages.tif", None, 2, "one"),
        ("large.png", None, (13_000, 13_000), "at most 144,000,000"),
        ("bomb.png", Image.DecompressionBombError, None, "at most 144,000,000"),
        ("small.png", None, (50, 40), "at least 45"),
        ("float.tif", None, 32, "unsigned"),
    ],
)
def test_read_image_file_unusable_file_raises_data_error(
    tmp_path: Path, name: str, cause: type[Exception] | None, value: object, expected: str
) -> None:
    image = photograph(50, 40)
    image.save(tmp_path / "small.png")
    image.save(tmp_path / "cut.png")
    image.save(tmp_path / "cut.jpg")
    for cut in (tmp_path / "cut.png", tmp_path / "cut.jpg"):
        cut.write_bytes(cut.read_bytes()[:-200])
    for moving in ("moving.gif", "moving.png", "pages.tif"):
        image.save(tmp_path / moving, save_all=True, append_images=[photograph(50, 40).rotate(90)])
    Image.fromarray(np.zeros((50, 50), np.float32)).save(tmp_path / "float.tif")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    (tmp_path / "drawing.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n")
    bomb(tmp_path / "large.png", 13_000)
    bomb(tmp_path / "bomb.png", 20_000)
    assert MAX_PIXELS == 12_000**2
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError) as caught:
        read_image_file(tmp_path / name, 45 if name == "small.png" else None, BLOODMNIST_SHAPE)
    error = caught.value
    assert (error.path, error.value) == (str(tmp_path / name), value)
    assert (error.expected or "").startswith(expected)
    assert type(error.__cause__) is (cause or type(None))
    assert "\n" not in str(error)
