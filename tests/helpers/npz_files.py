"""Write valid files in the MedMNIST format, and bad ones."""

import os
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bloodnets.data.npz_file import MAX_FILE_BYTES

Array = NDArray[Any]
Arrays = dict[str, Array]
Spoil = Callable[[Path], None]
"""Function that writes a bad file at the path."""

SIZES = {"train": 10, "val": 8, "test": 9}
PIXELS = 28 * 28 * 3
ENTRY = b"PK\x01\x02"  # entry of a zip's directory
END = b"PK\x05\x06"


def sound() -> Arrays:
    """Return the arrays of a small valid file."""
    rng = np.random.default_rng(0)
    arrays: Arrays = {}
    for split, n in SIZES.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (n, 28, 28, 3), np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % 8)[:, None]
    return arrays


def saved(path: Path, arrays: Arrays | None = None, *, compressed: bool = False) -> Path:
    write = np.savez_compressed if compressed else np.savez
    with path.open("wb") as file:
        write(file, **(sound() if arrays is None else arrays))  # type: ignore[arg-type]
    return path


def without(key: str) -> Spoil:
    return lambda path: void(saved(path, {k: v for k, v in sound().items() if k != key}))


def changed(key: str, change: Callable[[Array], Array]) -> Spoil:
    return lambda path: void(saved(path, sound() | {key: change(sound()[key])}))


def holding(label: int, dtype: type) -> Spoil:
    def change(labels: Array) -> Array:
        labels = labels.astype(dtype)
        labels[3] = label
        return labels

    return changed("val_labels", change)


def naming(names: list[str] | Array) -> Spoil:
    return lambda path: void(saved(path, sound() | {"class_names": np.array(names)}))


def grouped(split: str, change: Callable[[Array], Array] | None) -> Spoil:
    """Return a function that changes the groups of a split, or leaves them out with None."""

    def spoil(path: Path) -> None:
        groups = {f"{name}_groups": np.arange(n) for name, n in SIZES.items()}
        key = f"{split}_groups"
        if change is None:
            del groups[key]
        else:
            groups[key] = change(groups[key])
        saved(path, sound() | groups)

    return spoil


def edited(edit: Callable[[bytearray], object], *, compressed: bool = False) -> Spoil:
    """Return a function that writes a valid file and then changes its bytes."""

    def spoil(path: Path) -> None:
        content = bytearray(saved(path, compressed=compressed).read_bytes())
        edit(content)
        path.write_bytes(content)

    return spoil


def cut_off(share: float) -> Spoil:
    def cut(content: bytearray) -> None:
        del content[int(share * len(content)) :]

    return edited(cut)


def flipped(signature: bytes, offset: int, bit: int = 1, *, compressed: bool = False) -> Spoil:
    """Return a function that flips one bit, `offset` bytes after the start of the `signature`."""

    def flip(content: bytearray) -> None:
        content[content.index(signature) + offset] ^= bit

    return edited(flip, compressed=compressed)


def encrypted(content: bytearray) -> None:
    content[6] |= 1  # the flags of the first member, here and in the directory
    content[content.index(ENTRY) + 8] |= 1


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + body


def header(shape: str, descr: str = "'|u1'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def member(
    content: bytes, key: str = "train_images", method: int = zipfile.ZIP_STORED, times: int = 1
) -> Spoil:
    """Return a function that writes a valid file except for the raw content of one member."""

    def spoil(path: Path) -> None:
        saved(path, {k: v for k, v in sound().items() if k != key})
        with zipfile.ZipFile(path, "a", method) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about duplicate names
            for _ in range(times):
                archive.writestr(f"{key}.npy", content)

    return spoil


def bomb(rows: int, claimed: int) -> Spoil:
    """Return a function that writes `rows` images of zeros in a member that claims `claimed`."""

    def spoil(path: Path) -> None:
        saved(path, {k: v for k, v in sound().items() if k != "train_images"})
        block = bytes(PIXELS * 1000)
        with (
            zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("train_images.npy", "w") as file,
        ):
            file.write(npy(header(f"({claimed}, 28, 28, 3)")))
            for _ in range(rows // 1000):
                file.write(block)

    return spoil


def members(number: int) -> Spoil:
    return lambda path: void(saved(path, sound() | {f"x{i}": np.zeros(0) for i in range(number)}))


def too_large(path: Path) -> None:
    path.touch()
    os.truncate(path, MAX_FILE_BYTES + 1)  # sparse: takes no disk space


def void(_: object) -> None:
    """Turn an expression into a statement."""


def badly_named(content: bytearray) -> None:
    """Flag a name as UTF-8, and make it invalid UTF-8."""
    start = content.index(ENTRY)
    content[start + 9] |= 8
    content[start + 48] = 0xFF


def zip64(content: bytearray) -> None:
    """Mark the sizes of an entry as stored in an extra field, which does not exist."""
    start = content.index(ENTRY)
    content[start + 20 : start + 28] = b"\xff" * 8
