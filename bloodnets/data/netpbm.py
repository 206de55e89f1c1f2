"""Decode PGM and PPM files that Pillow decodes pixel by pixel in Python, at 9 s per megapixel."""

from pathlib import Path

import numpy as np
from PIL import Image

from bloodnets.errors import DataError

MAX_PLAIN_PIXELS = 1_000_000
"""Maximum number of pixels of a file that holds numbers as text, which Pillow reads in 9 s."""

MAX_16_BIT = 2**16 - 1

_ROWS_PER_STRIP = 64


def get_max_value(image: Image.Image) -> int:
    """Return the value of white in an opened PGM or PPM file, whose pixels are not yet read."""
    args = image.tile[0].args  # type: ignore[attr-defined]
    if isinstance(args, str):
        return MAX_16_BIT if args == "I;16B" else 255
    return int(args[-1])


def decode_netpbm(image: Image.Image, path: Path) -> Image.Image:
    """Return an opened PGM or PPM file as an image that Pillow decodes fast.

    Args:
        image: Opened file, whose pixels are not yet read.
        path: Path of the file.

    Returns:
        Image in 8 bits, if the file is binary and white is not 255; `image` otherwise.

    Raises:
        DataError: The file is incomplete, or holds many numbers as text.
    """
    width, height = image.size
    max_value = get_max_value(image)
    tile = image.tile[0]  # type: ignore[attr-defined]
    if tile.codec_name == "ppm_plain":
        if width * height > MAX_PLAIN_PIXELS:
            raise DataError(
                f"{path} holds {width:,} x {height:,} pixels as text",
                path=path,
                value=(width, height),
                expected=f"at most {MAX_PLAIN_PIXELS:,}",
                remedy="save it as PNG",
            )
        return image
    return image if max_value == 255 else _decode_binary(image, max_value, tile.offset, path)


def _decode_binary(image: Image.Image, max_value: int, offset: int, path: Path) -> Image.Image:
    width, height = image.size
    n_channels = len(image.getbands())
    dtype = np.dtype(">u2" if max_value > 255 else "u1")
    n_bytes = width * height * n_channels * dtype.itemsize
    if path.stat().st_size < offset + n_bytes:
        raise DataError(f"{path} is incomplete", path=path, expected=f"{n_bytes:,} bytes of pixels")
    row_shape = (width, 3) if n_channels == 3 else (width,)
    decoded = Image.new("RGB" if n_channels == 3 else "L", image.size)
    with path.open("rb") as file:
        file.seek(offset)
        for top in range(0, height, _ROWS_PER_STRIP):  # the whole would need more memory
            n_rows = min(_ROWS_PER_STRIP, height - top)
            samples = np.fromfile(file, dtype, n_rows * width * n_channels).astype(np.uint32)
            half = 0 if max_value == MAX_16_BIT else max_value // 2  # 16 bits are truncated
            scaled = (samples * 255 + half) // max_value
            rows = np.minimum(scaled, 255).astype(np.uint8).reshape(n_rows, *row_shape)
            decoded.paste(Image.fromarray(rows), (0, top))
    return decoded
