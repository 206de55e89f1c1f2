"""One image file, of any size and kind, to the 28 x 28 pixels that the networks see.

BloodMNIST was made of photographs of 360 x 363 pixels: the centered 200 x 200 were cut out and made
smaller. The same is done here; the pass through JPEG, whose traces BloodMNIST carries, is not.
"""

import stat
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bloodnets.constants import IMAGE_SIDE
from bloodnets.errors import DataError

MAX_PIXELS = 144_000_000
"""12,000 x 12,000, for which Pillow needs .6 GB. By itself it refuses twice 89 million."""

IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read. Pillow knows more, some by way of other programs (EPS)."""

IMAGE_SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""How the names of image files end, in lower case: what is taken of a folder."""

MAX_RESIZE_SIDE = 2048
"""A square with longer sides is first made smaller by whole factors, piece by piece."""

_MODES_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_EXIF_ORIENTATION = 0x0112  # in EXIF


class DecodedImage(NamedTuple):
    """What was read of an image file.

    Attributes:
        pixels: uint8, shape (28, 28, 3), red, green, blue.
        crop_side: of the square that they were made of, in pixels of the file.
    """

    pixels: NDArray[np.uint8]
    crop_side: int


def read_image_file(path: Path, crop: int | None) -> DecodedImage:
    """Cut the centered square out of an image and make it 28 x 28 pixels, as BloodMNIST was made.

    An image of 28 x 28 pixels is taken as it is. Gray images become colored ones of equal
    channels, transparent pixels white, 16 bits 8; an orientation in EXIF is followed.

    Args:
        path: of the file.
        crop: side of the square, in pixels; None for the largest that there is.

    Raises:
        DataError: it cannot be read, holds several images, or is too large, or smaller than `crop`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise DataError(f"{path} is no file", path=path)
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=IMAGE_FORMATS) as image,
        ):
            return _decode_image(image, path, crop)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist", path=path) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is no image that can be read",
            path=path,
            expected="PNG, JPEG, TIFF, BMP, GIF or WebP",
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} has too many pixels", path=path, expected=f"at most {MAX_PIXELS:,}"
        ) from error
    except Exception as error:  # its decoders raise a dozen unrelated ones on a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = " ".join(str(reason).split())
        raise DataError(f"{path} cannot be read: {reason:.100}", path=path) from error


def _decode_image(image: Image.Image, path: Path, crop: int | None) -> DecodedImage:
    width, height = image.size
    crop_side = crop or min(width, height)
    # A phone's JPEG may have a second picture behind it, for depth or brightness.
    n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if n_frames > 1:
        raise DataError(
            f"{path} holds {n_frames} images", path=path, value=n_frames, expected="one"
        )
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} has {width:,} x {height:,} pixels",
            path=path,
            value=(width, height),
            expected=f"at most {MAX_PIXELS:,}, e.g. 12,000 x 12,000",
        )
    if image.mode in ("F", "I"):
        raise DataError(
            f"{path} has pixels of 32 bits, in no known range",
            path=path,
            value=32,
            expected="8 or 16 bits",
        )
    if (width, height) == (IMAGE_SIDE, IMAGE_SIDE):
        crop_side = IMAGE_SIDE
    if crop_side > min(width, height):
        raise DataError(
            f"{path} has {width} x {height} pixels",
            path=path,
            value=(width, height),
            expected=f"at least {crop_side} each way",
        )
    small = _convert_to_rgb(_crop_square(image, crop_side))
    if small.size != (IMAGE_SIDE, IMAGE_SIDE):
        small = small.resize((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BILINEAR)
    # After it is decoded: a TIFF has followed its orientation then, and forgotten it.
    if orientation := image.getexif().get(_EXIF_ORIENTATION):
        small.getexif()[_EXIF_ORIENTATION] = orientation
        small = ImageOps.exif_transpose(small)
    return DecodedImage(np.asarray(small, dtype=np.uint8), crop_side)


def _crop_square(image: Image.Image, side: int) -> Image.Image:
    """The centered square, smaller by a whole factor where it is large."""
    if side > MAX_RESIZE_SIDE:
        # A JPEG can be decoded at a half, a quarter or an eighth of its size.
        width, height = image.size
        image.draft(None, (width * MAX_RESIZE_SIDE // side, height * MAX_RESIZE_SIDE // side))
        side = min(round(side * image.width / width), *image.size)
    left, top = ((length - side) // 2 for length in image.size)
    factor = side // MAX_RESIZE_SIDE
    if factor < 2:
        return image.crop((left, top, left + side, top + side))
    # A copy of the whole, in colors, would take as much memory again as the image.
    strip_height = factor * (MAX_RESIZE_SIDE // 16)
    square = Image.new("RGB", (-(-side // factor),) * 2)
    for row in range(0, side, strip_height):
        box = (left, top + row, left + side, top + min(row + strip_height, side))
        square.paste(_convert_to_rgb(image.crop(box)).reduce(factor), (0, row // factor))
    return square


def _convert_to_rgb(image: Image.Image) -> Image.Image:
    """In red, green and blue, 8 bits each, on white where it is transparent."""
    if image.mode in _MODES_16_BIT:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
