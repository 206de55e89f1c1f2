"""Write PNG, TIFF, PGM and PPM files of pixel formats that Pillow does not write."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int64]


def pack_samples(samples: Samples, bits: int, *, order: Literal["<", ">"] = ">") -> list[bytes]:
    """Return the bytes of each row; samples of fewer than 8 bits, or of 12, fill up bytes."""
    rows = samples.reshape(len(samples), -1)
    if bits in (8, 16, 32):
        return [row.astype(f"{order}u{bits // 8}").tobytes() for row in rows]
    flags = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in flags]


def write_png(
    path: Path, samples: Samples, bits: int, color_type: int, transparent: tuple[int, ...] = ()
) -> None:
    """Write samples, shape (height, width, channels) or (height, width), without palette.

    Args:
        path: Path of the file.
        samples: Samples of the file.
        bits: Bits per sample.
        color_type: Color type of PNG: 0 gray, 2 RGB, 4 gray and alpha, 6 RGBA.
        transparent: Samples of the transparent color; empty for none.
    """
    height, width = samples.shape[:2]
    content = zlib.compress(b"".join(b"\0" + row for row in pack_samples(samples, bits)))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0))]
    if transparent:
        chunks.append((b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    chunks += [(b"IDAT", content), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )
    )


def write_netpbm(path: Path, magic: str, samples: Samples, max_value: int) -> None:
    """Write samples as PGM or PPM: P2 and P3 as text, P5 and P6 in binary."""
    height, width = samples.shape[:2]
    header = f"{magic}\n# comment\n{width} {height}\n{max_value}\n".encode()
    if magic in ("P2", "P3"):
        body = b" ".join(b"%d" % sample for sample in samples.ravel())
    else:
        body = b"".join(pack_samples(samples, 16 if max_value > 255 else 8))
    path.write_bytes(header + body)


def write_tiff(
    path: Path,
    samples: Samples,
    bits: int,
    photometric: int,
    *,
    order: Literal["<", ">"] = "<",
    tags: Mapping[int, int] | None = None,
) -> None:
    """Write an uncompressed TIFF.

    Args:
        path: Path of the file.
        samples: Samples, shape (height, width) or (height, width, channels). With the tag 284 of
            2, each channel is written as a plane.
        bits: Bits per sample.
        photometric: 0 gray with white as 0, 1 gray, 2 RGB.
        order: Byte order: `<` little-endian, `>` big-endian.
        tags: Further tags with one number.
    """
    height, width = samples.shape[:2]
    channels = np.atleast_3d(samples)
    n_channels = channels.shape[2]
    is_planar = (tags or {}).get(284) == 2
    parts = np.moveaxis(channels, 2, 0) if is_planar else [channels]
    strips = [b"".join(pack_samples(part, bits, order=order)) for part in parts]
    values: dict[int, tuple[int, ...]] = {
        256: (width,), 257: (height,), 258: (bits,) * n_channels, 259: (1,), 262: (photometric,),
        273: (0,) * len(strips), 277: (n_channels,), 278: (height,),
        279: tuple(map(len, strips)), **{tag: (value,) for tag, value in (tags or {}).items()},
    }  # fmt: skip
    first_free = 8 + 2 + 12 * len(values) + 4
    n_outside = sum(4 * len(numbers) for numbers in values.values() if len(numbers) > 1)
    offsets = np.cumsum([first_free + n_outside, *map(len, strips[:-1])])
    values[273] = tuple(int(offset) for offset in offsets)
    entries, outside = b"", b""
    for tag, numbers in sorted(values.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            field = struct.pack(f"{order}I", first_free + len(outside))
            outside += packed
        else:
            field = packed
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + field
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}IH", 8, len(values)) + entries + bytes(4)
    path.write_bytes(head + outside + b"".join(strips))
