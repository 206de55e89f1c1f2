"""Convert the pixels of image files to 8-bit RGB, and refuse those whose range is unknown.

Pillow returns the numbers in a file without their meaning if they have more than 8 bits.
"""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from bloodnets.data.netpbm import MAX_16_BIT, get_max_value
from bloodnets.errors import DataError

MIN_16_BIT_MAX = 2**14
"""Smallest maximum of a file's 16-bit values. Values below it are taken for those of a camera with
8 to 14 bits: the brightest pixel would be darker than a quarter of white."""

MAX_PROFILE_DEVIATION = 2
"""Largest difference, in gray levels, between pixels and those converted to sRGB that is taken for
rounding. An sRGB profile changes pixels by no more."""

_ACCEPTED_PIXELS = "unsigned pixels of 8 or 16 bits"
_PNG_REMEDY = "save it as PNG"

_ROWS_PER_STRIP = 64

# TIFF tags and values
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 258, 262, 284, 339
_WHITE_IS_ZERO, _LAB, _SEPARATE_PLANES, _UNSIGNED = 0, 8, 2, 1


class PixelFormat(NamedTuple):
    """Meaning of the values that Pillow returns for the pixels of a file.

    Attributes:
        bits: Bits per channel in the file. Pillow reduces 16 bits to 8, except for gray images.
        white_is_zero: Whether white is 0 in Pillow's values, too.
    """

    bits: int = 8
    white_is_zero: bool = False


def read_pixel_format(image: Image.Image, path: Path) -> PixelFormat:
    """Return the format of the pixels of an opened file, before its pixels are read.

    Raises:
        DataError: Pillow would return other pixels than those of the file, or values of unknown
            range.
    """
    if isinstance(image, TiffImageFile):
        pixel_format = _read_tiff_format(image, path)
    elif image.format == "PPM":
        pixel_format = PixelFormat(bits=16 if get_max_value(image) == MAX_16_BIT else 8)
    else:
        pixel_format = PixelFormat(bits=16 if ";16" in _get_raw_mode(image) else 8)
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        raise _make_range_error(path, "32-bit", 32)
    if image.format == "PNG" and "transparency" in image.info:
        _scale_transparent_color(image, path)
    return pixel_format


def check_value_range(image: Image.Image, pixel_format: PixelFormat, path: Path) -> None:
    """Refuse a 16-bit file whose values appear to have fewer bits, e.g. 12.

    Their real range is unknown, and the image would become dark.

    Raises:
        DataError: The values of the file are small.
    """
    if pixel_format.bits != 16 or image.mode == "CMYK":  # small values of CMYK are bright
        return
    if image.mode.startswith("I"):
        highest = _find_highest_value(image)
    else:  # reduced to 8 bits by Pillow
        extrema = np.atleast_2d(image.getextrema())
        colors = extrema[:-1] if image.mode in ("LA", "RGBA") else extrema
        highest = int(colors.max()) << 8 | 255
    if highest < MIN_16_BIT_MAX:
        raise DataError(
            f"{path} has 16-bit pixels of at most {highest:,}, which may be e.g. 12-bit values",
            path=path,
            value=highest,
            expected="values that use the range of 0 to 65,535",
            remedy="scale them to this range or to 8 bits",
        )


def _find_highest_value(image: Image.Image) -> int:
    """Return the highest value of a gray image; Pillow's `getextrema` refuses big-endian ones."""
    width, height = image.size
    strips = (
        image.crop((0, top, width, min(top + _ROWS_PER_STRIP, height)))  # little memory
        for top in range(0, height, _ROWS_PER_STRIP)
    )
    return max(int(np.asarray(strip).max()) for strip in strips)


def convert_to_rgb(image: Image.Image, pixel_format: PixelFormat) -> Image.Image:
    """Return an image in 8-bit RGB, with white in place of transparent pixels."""
    if image.mode.startswith("I"):
        image = _reduce_to_8_bits(image, pixel_format)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def convert_to_srgb(image: Image.Image, profile_bytes: bytes) -> Image.Image | None:
    """Return an RGB image with the colors that its ICC profile gives it, in sRGB.

    Args:
        image: Image in 8-bit RGB, made from a file with this profile.
        profile_bytes: ICC profile for RGB or gray.

    Returns:
        Converted image; `image` if its profile is sRGB; None if the profile cannot be used.
    """
    pixels = np.asarray(image, np.int16)
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(profile_bytes))
        is_for_gray = profile.profile.xcolor_space.strip() == "GRAY"
        if is_for_gray and (pixels != pixels[..., :1]).any():
            return None
        converted = ImageCms.profileToProfile(
            image.getchannel(0) if is_for_gray else image,
            profile,
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if converted is None:
        return None
    deviation = np.abs(np.asarray(converted, np.int16) - pixels)
    return image if deviation.max() <= MAX_PROFILE_DEVIATION else converted


def _get_raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of the pixels in a file, e.g. `RGB;16B`; empty if it has none."""
    tiles = getattr(image, "tile", None)
    return tiles[0].args if tiles and isinstance(tiles[0].args, str) else ""


def _read_tiff_format(image: TiffImageFile, path: Path) -> PixelFormat:
    tags = image.tag_v2
    bits = tags.get(_BITS_PER_SAMPLE, (1,))[0]
    photometric = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO)
    sample_format = tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0]
    if sample_format != _UNSIGNED:
        kind = {2: "signed", 3: "floating-point"}.get(sample_format, "undefined")
        raise _make_range_error(path, f"{bits}-bit {kind}", bits)
    has_planes = tags.get(_PLANAR_CONFIGURATION) == _SEPARATE_PLANES
    # Pillow reads each plane as if it had 8 bits and 0 were black. Libtiff reads compressed planes.
    if (
        has_planes
        and image.tile[0].codec_name == "raw"
        and (bits != 8 or photometric in (_WHITE_IS_ZERO, _LAB))
    ):
        raise DataError(
            f"{path} has a separate plane for each channel",
            path=path,
            expected="8 bits per channel in such a file, or channels in one plane",
            remedy=_PNG_REMEDY,
        )
    # Pillow inverts gray images with up to 8 bits.
    return PixelFormat(bits, white_is_zero=bits == 16 and photometric == _WHITE_IS_ZERO)


def _make_range_error(path: Path, kind: str, bits: int) -> DataError:
    return DataError(
        f"{path} has {kind} pixels of unknown range",
        path=path,
        value=bits,
        expected=_ACCEPTED_PIXELS,
        remedy="scale them to 8 bits",
    )


def _scale_transparent_color(image: Image.Image, path: Path) -> None:
    """Give the transparent color of a PNG the scale of the pixels, which Pillow does not."""
    raw_mode = _get_raw_mode(image)
    if raw_mode in ("L;2", "L;4"):
        image.info["transparency"] *= 255 // (2 ** int(raw_mode[-1]) - 1)
    elif raw_mode == "RGB;16B":
        # The 16-bit values that would have to be compared are not available.
        raise DataError(
            f"{path} has 16-bit colors of which one is transparent",
            path=path,
            value=image.info["transparency"],
            expected="8 bits per channel, or an alpha channel",
            remedy="save it with 8 bits per channel",
        )


def _reduce_to_8_bits(image: Image.Image, pixel_format: PixelFormat) -> Image.Image:
    """Return a gray image of 12 or 16 bits with 8 bits, and white in place of transparent pixels.

    Pillow scales the values of a PGM file to 16 bits.
    """
    values = np.asarray(image)
    shift = 4 if pixel_format.bits == 12 else 8
    gray: NDArray[np.uint8] = (values >> shift).astype(np.uint8)
    if pixel_format.white_is_zero:
        gray = 255 - gray
    if "transparency" in image.info:
        gray[values == image.info["transparency"]] = 255
    return Image.fromarray(gray)
