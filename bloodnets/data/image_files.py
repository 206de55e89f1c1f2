"""Read image files and convert them to the pixels that a model takes, 28 x 28 for BloodMNIST.

BloodMNIST was made from photographs of 360 x 363 pixels: their central 200 x 200 pixels were
cropped and resized. This module does the same, but without JPEG compression, which left artifacts
in BloodMNIST.
"""

import stat
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bloodnets.data.netpbm import decode_netpbm
from bloodnets.data.pixel_format import (
    PixelFormat,
    check_value_range,
    convert_to_rgb,
    convert_to_srgb,
    read_pixel_format,
)
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError

MAX_PIXELS = 144_000_000
"""Maximum number of pixels: 12,000 x 12,000, for which reading takes up to 0.7 GiB, or 2.4 GiB for
WebP and 1.1 GiB for a progressive JPEG in CMYK. Pillow's own limit is twice 89 million."""

IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Formats that are read. Pillow supports more, some of them with external programs (EPS)."""

ACCEPTED_FORMATS = "PNG, JPEG, TIFF, BMP, GIF, PPM or WebP"

IMAGE_SUFFIXES = frozenset(
    (
        ".apng", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm",
        ".ppm", ".tif", ".tiff", ".webp",
    )
)  # fmt: skip
"""Suffixes, in lower case, of the files that are read from a folder."""

MAX_RESIZE_SIDE = 2048
"""Maximum side in pixels of a square that is resized in one step. A larger square is first reduced
by an integer factor, in strips."""

_EXIF_ORIENTATION = 0x0112  # EXIF tag
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF


class DecodedImage(NamedTuple):
    """Image from a file, in the format that a model takes.

    Attributes:
        pixels: Pixels, uint8, shape (side, side, channels): red, green, blue, or gray.
        crop_side: Side of the cropped square, in pixels of the file.
        width: Width of the file's image in pixels.
        height: Height of the file's image in pixels.
        has_unused_profile: Whether the file has a color profile that cannot be used.
    """

    pixels: NDArray[np.uint8]
    crop_side: int
    width: int
    height: int
    has_unused_profile: bool


def read_image_file(path: Path, crop: int | None, shape: DataShape) -> DecodedImage:
    """Crop the central square of an image and resize it, as for BloodMNIST.

    An image that already has the target's side is neither cropped nor resized. Transparent pixels
    become white, and 12-bit and 16-bit values are reduced to 8 bits. A color profile and an
    orientation in EXIF are applied. With three channels, a gray image gets three equal ones. With
    one channel, a color image becomes its luminance (Pillow's mode `L`).

    Args:
        path: Path of the file.
        crop: Side of the square in pixels; None for the largest possible square.
        shape: Side and channels of the returned pixels.

    Raises:
        DataError: The file cannot be read, contains several images, is too large, is smaller
            than `crop`, or has pixels of unknown range.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would block
            raise DataError(f"{path} is not a file", path=path)
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=IMAGE_FORMATS) as image,
        ):
            return _decode_image(image, path, crop, shape)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist", path=path) from error
    except UnidentifiedImageError as error:
        if _is_tiff(path):
            raise DataError(
                f"{path} is a kind of TIFF that cannot be read",
                path=path,
                expected="gray, RGB or CMYK in unsigned pixels of 8 or 16 bits",
                remedy="save it as PNG",
            ) from error
        raise DataError(
            f"{path} is not a readable image",
            path=path,
            expected=ACCEPTED_FORMATS,
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} has too many pixels", path=path, expected=f"at most {MAX_PIXELS:,}"
        ) from error
    except Exception as error:  # Pillow raises many unrelated ones on a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = " ".join(str(reason).split())
        raise DataError(f"{path} cannot be read: {reason:.100}", path=path) from error


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _TIFF_MAGIC


def _decode_image(
    image: Image.Image, path: Path, crop: int | None, shape: DataShape
) -> DecodedImage:
    _check_size(image, path)
    width, height = image.size  # before a JPEG is decoded at a smaller size
    crop_side = _choose_crop_side(image, path, crop, shape.side)
    pixel_format = read_pixel_format(image, path)
    # Pillow decodes some files when their pixels are first used.
    decoded = decode_netpbm(image, path) if image.format == "PPM" else image
    check_value_range(decoded, pixel_format, path)
    small = convert_to_rgb(_crop_square(decoded, crop_side, pixel_format), pixel_format)
    if small.size != (shape.side, shape.side):
        small = small.resize((shape.side, shape.side), Image.Resampling.BILINEAR)
    profile = image.info.get("icc_profile")
    converted = convert_to_srgb(small, profile) if profile else small
    upright = small if converted is None else converted
    # Read after decoding, because decoding a TIFF applies its orientation and removes the tag.
    if orientation := image.getexif().get(_EXIF_ORIENTATION):
        upright.getexif()[_EXIF_ORIENTATION] = orientation
        upright = ImageOps.exif_transpose(upright)
    pixels = np.asarray(upright.convert("L") if shape.channels == 1 else upright, dtype=np.uint8)
    pixels = pixels.reshape(shape.side, shape.side, shape.channels)
    return DecodedImage(pixels, crop_side, width, height, has_unused_profile=converted is None)


def _check_size(image: Image.Image, path: Path) -> None:
    width, height = image.size
    # A JPEG from a phone (MPO) may contain a second image for depth or brightness.
    n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if n_frames > 1:
        raise DataError(
            f"{path} contains {n_frames} images", path=path, value=n_frames, expected="one image"
        )
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} has {width:,} x {height:,} pixels",
            path=path,
            value=(width, height),
            expected=f"at most {MAX_PIXELS:,}, e.g. 12,000 x 12,000",
        )


def _choose_crop_side(image: Image.Image, path: Path, crop: int | None, target_side: int) -> int:
    width, height = image.size
    if width == height == target_side:
        return target_side
    crop_side = crop or min(width, height)
    if crop_side > min(width, height):
        raise DataError(
            f"{path} has {width} x {height} pixels",
            path=path,
            value=(width, height),
            expected=f"at least {crop_side} x {crop_side}",
        )
    return crop_side


def _crop_square(image: Image.Image, side: int, pixel_format: PixelFormat) -> Image.Image:
    """Return the central square, reduced by an integer factor if it is large."""
    if side > MAX_RESIZE_SIDE:
        # A JPEG can be decoded at a half, a quarter or an eighth of its size.
        width, height = image.size
        image.draft(None, (width * MAX_RESIZE_SIDE // side, height * MAX_RESIZE_SIDE // side))
        side = min(round(side * image.width / width), *image.size)
    left, top = ((length - side) // 2 for length in image.size)
    factor = side // MAX_RESIZE_SIDE
    if factor < 2:
        return image.crop((left, top, left + side, top + side))
    # Strips, because an RGB copy of the whole image would need as much memory again.
    strip_height = factor * (MAX_RESIZE_SIDE // 16)
    square = Image.new("RGB", (-(-side // factor),) * 2)
    for row in range(0, side, strip_height):
        box = (left, top + row, left + side, top + min(row + strip_height, side))
        strip = convert_to_rgb(image.crop(box), pixel_format)
        square.paste(strip.reduce(factor), (0, row // factor))
    return square
