"""Pixels of every bit depth are those of the file, or are refused with the reason."""

import time
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image, ImageCms

from bloodnets.data.image_files import read_image_file
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import DataError
from tests.helpers.image_writers import Samples, write_netpbm, write_png, write_tiff

ORDERS: tuple[Literal["<"], Literal[">"]] = ("<", ">")
RANDOM = np.random.default_rng(0)


def make_samples(max_value: int, *channels: int) -> Samples:
    samples = RANDOM.integers(0, max_value + 1, (28, 28, *channels))
    samples[0, 0], samples[0, 1] = 0, max_value
    return samples


def to_rgb(samples: Samples, max_value: int) -> Samples:
    """Return the 8-bit RGB that the samples mean, rounded."""
    scaled = np.round(samples * 255 / max_value).astype(np.int64)
    return scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, axis=2)


def read(path: Path) -> Samples:
    return read_image_file(path, None, BLOODMNIST_SHAPE).pixels.astype(np.int64)


def find_deviation(path: Path, expected: Samples) -> int:
    return int(np.abs(read(path) - expected).max())


@pytest.mark.parametrize("max_value", [100, 256, 1023, 4095, 16_383, 65_535])
def test_read_image_file_netpbm_scales_by_its_maximum(tmp_path: Path, max_value: int) -> None:
    for magic, channels in (("P5", ()), ("P6", (3,)), ("P2", ()), ("P3", (3,))):
        samples = make_samples(max_value, *channels)
        write_netpbm(tmp_path / magic, magic, samples, max_value)
        assert find_deviation(tmp_path / magic, to_rgb(samples, max_value)) <= 1


def test_read_image_file_large_12_bit_netpbm_is_decoded_at_once(tmp_path: Path) -> None:
    """Pillow takes 9 s for these pixels, and 20 minutes for the largest accepted image."""
    samples = np.full((1000, 1000, 3), 4095)
    samples[..., 1] = 0
    write_netpbm(tmp_path / "a.ppm", "P6", samples, 4095)
    start = time.process_time()
    assert (read(tmp_path / "a.ppm") == (255, 0, 255)).all()
    assert time.process_time() - start < 2


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_read_image_file_gray_png_transparent_value_becomes_white(
    tmp_path: Path, bits: int
) -> None:
    max_value = 2**bits - 1
    samples = make_samples(max_value)
    samples[5:9] = transparent = max_value // 2
    samples[10] = transparent + 1
    write_png(tmp_path / "opaque.png", samples, bits, 0)
    expected = to_rgb(samples, max_value)
    assert find_deviation(tmp_path / "opaque.png", expected) <= 1
    write_png(tmp_path / "a.png", samples, bits, 0, (transparent,))
    expected[samples == transparent] = 255
    assert find_deviation(tmp_path / "a.png", expected) <= 1


@pytest.mark.parametrize(("color_type", "n_channels"), [(2, 3), (4, 2), (6, 4)])
def test_read_image_file_16_bit_png_is_reduced(
    tmp_path: Path, color_type: int, n_channels: int
) -> None:
    samples = make_samples(65_535, n_channels)
    write_png(tmp_path / "a.png", samples, 16, color_type)
    colors = samples[..., :3] if n_channels > 2 else samples[..., :1].repeat(3, axis=2)
    alpha = samples[..., -1:] / 65_535 if n_channels != 3 else 1
    expected = np.round(alpha * colors / 257 + (1 - alpha) * 255).astype(np.int64)
    assert find_deviation(tmp_path / "a.png", expected) <= 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_read_image_file_gray_tiff_white_is_where_its_tag_says(
    tmp_path: Path, bits: int, order: Literal["<", ">"]
) -> None:
    max_value = 2**bits - 1
    samples = make_samples(max_value)
    write_tiff(tmp_path / "a.tif", samples, bits, 1, order=order)
    assert find_deviation(tmp_path / "a.tif", to_rgb(samples, max_value)) <= 1
    if (bits, order) != (16, ">"):  # Pillow does not read it
        write_tiff(tmp_path / "inverted.tif", samples, bits, 0, order=order)
        expected = to_rgb(max_value - samples, max_value)
        assert find_deviation(tmp_path / "inverted.tif", expected) <= 1


def test_read_image_file_12_bit_tiff_is_reduced(tmp_path: Path) -> None:
    samples = make_samples(4095)
    write_tiff(tmp_path / "a.tif", samples, 12, 1)
    assert find_deviation(tmp_path / "a.tif", to_rgb(samples, 4095)) <= 1
    write_tiff(tmp_path / "dark.tif", samples // 64, 12, 1)  # its range is known
    assert find_deviation(tmp_path / "dark.tif", to_rgb(samples // 64, 4095)) <= 1


@pytest.mark.parametrize("order", ORDERS)
def test_read_image_file_rgb_tiff_in_planes_is_read_or_refused(
    tmp_path: Path, order: Literal["<", ">"]
) -> None:
    samples = make_samples(255, 3)
    write_tiff(tmp_path / "a.tif", samples, 8, 2, order=order, tags={284: 2})
    assert find_deviation(tmp_path / "a.tif", samples) == 0
    write_tiff(tmp_path / "b.tif", samples * 257, 16, 2, order=order)
    assert find_deviation(tmp_path / "b.tif", samples) == 0
    write_tiff(tmp_path / "c.tif", samples * 257, 16, 2, order=order, tags={284: 2})
    with pytest.raises(DataError) as caught:
        read(tmp_path / "c.tif")
    assert caught.value.path == str(tmp_path / "c.tif")


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_read_image_file_16_bits_with_fewer_used_raises_data_error(
    tmp_path: Path, bits: int
) -> None:
    """Without their range, they would become a black or dark image."""
    gray, color = make_samples(2**bits - 1), make_samples(2**bits - 1, 3)
    opaque = np.full((28, 28, 1), 65_535)
    paths = [tmp_path / f"{index}" for index in range(8)]
    write_png(paths[0], gray, 16, 0)
    write_png(paths[1], color, 16, 2)
    write_png(paths[2], np.dstack([gray, opaque]), 16, 4)
    write_png(paths[3], np.dstack([color, opaque]), 16, 6)
    write_tiff(paths[4], gray, 16, 1, order=">")
    write_tiff(paths[5], color, 16, 2)
    write_netpbm(paths[6], "P5", gray, 65_535)
    write_netpbm(paths[7], "P6", color, 65_535)
    for path in paths:
        with pytest.raises(DataError) as caught:
            read(path)
        assert caught.value.path == str(path)
        assert caught.value.value == 2**bits - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signed-8.tif", 8),
        ("signed-16.tif", 16),
        ("unsigned-32.tif", 32),
        ("float-32.tif", 32),
        ("float-16.tif", None),
        ("rgb-12.tif", None),
        ("transparent-rgb-16.png", (1, 2, 3)),
        ("plain.ppm", (1001, 1000)),
        ("cut.pgm", None),
    ],
)
def test_read_image_file_other_pixels_raise_data_error(
    tmp_path: Path, name: str, value: object
) -> None:
    gray = make_samples(255)
    write_tiff(tmp_path / "signed-8.tif", gray, 8, 1, tags={339: 2})
    write_tiff(tmp_path / "signed-16.tif", gray, 16, 1, tags={339: 2})
    write_tiff(tmp_path / "unsigned-32.tif", gray, 32, 1)
    write_tiff(tmp_path / "float-32.tif", gray, 32, 1, tags={339: 3})
    write_tiff(tmp_path / "float-16.tif", gray, 16, 1, tags={339: 3})
    write_tiff(tmp_path / "rgb-12.tif", make_samples(4095, 3), 12, 2)
    write_png(tmp_path / "transparent-rgb-16.png", make_samples(65_535, 3), 16, 2, (1, 2, 3))
    (tmp_path / "plain.ppm").write_text("P3 1001 1000 255 " + "0 " * 10)
    write_netpbm(tmp_path / "cut.pgm", "P5", gray, 4095)
    (tmp_path / "cut.pgm").write_bytes((tmp_path / "cut.pgm").read_bytes()[:-1])
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert (caught.value.path, caught.value.value) == (str(tmp_path / name), value)
    assert "\n" not in str(caught.value)


def test_read_image_file_lab_tiff_is_converted(tmp_path: Path) -> None:
    """L of 255 and no color is white; the sRGB red has L 54.3, a 80.8 and b 69.9 (D50)."""
    lab = np.zeros((28, 28, 3), np.int64)
    lab[:14] = (255, 0, 0)
    lab[14:] = (138, 81, 70)
    write_tiff(tmp_path / "a.tif", lab, 8, 8)
    pixels = read(tmp_path / "a.tif")
    assert (pixels[:14] >= 254).all()
    assert np.abs(pixels[14:] - (255, 0, 0)).max() <= 12


def test_read_image_file_color_profile_is_applied(tmp_path: Path) -> None:
    """A profile in which red and green change places shows the effect of a profile."""
    cell = RANDOM.integers(256, size=(28, 28, 3), dtype=np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"____", 1).replace(b"gXYZ", b"rXYZ", 1)
    swapped = swapped.replace(b"____", b"gXYZ", 1)
    image = Image.fromarray(cell)
    image.save(tmp_path / "srgb.png", icc_profile=srgb)
    assert find_deviation(tmp_path / "srgb.png", cell.astype(np.int64)) == 0
    image.save(tmp_path / "swapped.png", icc_profile=swapped)
    assert find_deviation(tmp_path / "swapped.png", cell[..., [1, 0, 2]].astype(np.int64)) <= 2
    image.save(tmp_path / "invalid.png", icc_profile=b"profile")
    found = read_image_file(tmp_path / "invalid.png", None, BLOODMNIST_SHAPE)
    assert found.has_unused_profile
    assert np.array_equal(found.pixels, cell)
