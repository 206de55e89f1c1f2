"""What is loaded is what was saved; all else is refused in one line that says why."""

import errno
import hashlib
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bloodnets.data import medmnist
from bloodnets.data.medmnist import (
    EXPECTED_FORMAT,
    MAX_ARCHIVE_MEMBERS,
    MAX_FILE_BYTES,
    MAX_IMAGES,
    BloodCells,
    load_file,
)
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.errors import DataError

Array = NDArray[Any]
Arrays = dict[str, Array]
Spoil = Callable[[Path], None]
"""Writes something bad at the path."""

SIZES = {"train": 10, "val": 8, "test": 9}
PIXELS = 28 * 28 * 3
ENTRY = b"PK\x01\x02"  # an entry of a zip's directory
END = b"PK\x05\x06"


def sound() -> Arrays:
    """The arrays of a small valid file."""
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


def edited(edit: Callable[[bytearray], object], *, compressed: bool = False) -> Spoil:
    """A valid file whose bytes were changed afterwards."""

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
    """One bit changed, `offset` bytes behind the first `signature`."""

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
    """A valid file but for the raw content of one member."""

    def spoil(path: Path) -> None:
        saved(path, {k: v for k, v in sound().items() if k != key})
        with zipfile.ZipFile(path, "a", method) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a name that is there already
            for _ in range(times):
                archive.writestr(f"{key}.npy", content)

    return spoil


def bomb(rows: int, claimed: int) -> Spoil:
    """Zeros that take little room, `rows` of them, in a member that claims to have `claimed`."""

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
    os.truncate(path, MAX_FILE_BYTES + 1)  # takes no room on the disk


def void(_: object) -> None:
    """Turn an expression into a statement."""


def badly_named(content: bytearray) -> None:
    """A name that is said to be UTF-8 and is not."""
    start = content.index(ENTRY)
    content[start + 9] |= 8
    content[start + 48] = 0xFF


def zip64(content: bytearray) -> None:
    """An entry of the directory that says its sizes are elsewhere, and they are not."""
    start = content.index(ENTRY)
    content[start + 20 : start + 28] = b"\xff" * 8


class Refusal(NamedTuple):
    """What the error of a bad file says.

    Attributes:
        key: Array that is at fault; "" for the file.
        value: Value that is at fault; None if there is none.
        expected: Beginning of what was expected.
        cause: Class of the exception that caused it; None for any, or none.
    """

    key: str = ""
    value: object = None
    expected: str = ""
    cause: type[Exception] | None = None


BAD: dict[str, tuple[Spoil, Refusal]] = {
    # No file, or no zip.
    "does not exist": (lambda path: None, Refusal(cause=FileNotFoundError)),
    "a directory": (Path.mkdir, Refusal(expected=EXPECTED_FORMAT)),
    "a pipe": (os.mkfifo, Refusal(expected=EXPECTED_FORMAT)),
    "an endless device": (
        lambda path: path.symlink_to("/dev/zero"),
        Refusal(expected=EXPECTED_FORMAT),
    ),
    "a link to nothing": (
        lambda path: path.symlink_to("nothing"),
        Refusal(cause=FileNotFoundError),
    ),
    "a link to itself": (lambda path: path.symlink_to(path), Refusal(cause=OSError)),
    "empty": (Path.touch, Refusal(value=0, expected="1 to 1,073,741,824")),
    "too large": (
        too_large,
        Refusal(value=1073741825, expected="1 to 1,073,741,824"),
    ),
    "text": (lambda path: void(path.write_text("mass\n" * 999)), Refusal(cause=zipfile.BadZipFile)),
    "an npy file": (
        lambda path: void(path.write_bytes(npy(header("(1,)"), b"0"))),
        Refusal(cause=zipfile.BadZipFile),
    ),
    "a zip of something else": (
        lambda path: zipfile.ZipFile(path, "w").close(),
        Refusal(key="train_images", expected="images and labels of train"),
    ),
    # Damaged on the way.
    "cut off at 0 %": (cut_off(0), Refusal(value=0)),
    "cut off at 25 %": (cut_off(0.25), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 50 %": (cut_off(0.5), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 75 %": (cut_off(0.75), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 99 %": (cut_off(0.99), Refusal(cause=zipfile.BadZipFile)),
    "bit flipped in data": (
        flipped(b"train_images", 9000),
        Refusal(key="train_images", cause=zipfile.BadZipFile),
    ),
    # zipfile checks the sum only when the end is read, which a bounded read may not reach.
    "bit flipped in the last label": (
        flipped(ENTRY, -1),
        Refusal(key="test_labels", cause=zipfile.BadZipFile),
    ),
    "bit flipped in compressed data": (
        flipped(b"train_images", 9000, compressed=True),
        Refusal(key="train_images"),
    ),
    "bit flipped in an npy header": (flipped(b"descr", 0), Refusal(key="train_images")),
    "bit flipped in a shape": (
        flipped(b"(10, 28", 5),
        Refusal(key="train_images", value=(10, 38, 28, 3)),
    ),
    "bit flipped in npy's magic": (flipped(b"\x93NUMPY", 3), Refusal(key="train_images")),
    "bit flipped in a member's head": (flipped(b"PK\x03\x04", 2), Refusal(key="train_images")),
    "bit flipped in a member's name": (flipped(b"train_images", 2), Refusal(key="train_images")),
    "bit flipped in the directory": (flipped(ENTRY, 2), Refusal()),
    "bit flipped in a name of the directory": (flipped(ENTRY, 48), Refusal(key="train_images")),
    "bit flipped in a checksum": (
        flipped(ENTRY, 16),
        Refusal(key="train_images", cause=zipfile.BadZipFile),
    ),
    "bit flipped in a size": (
        flipped(ENTRY, 25, 16),
        Refusal(key="train_images", cause=zipfile.BadZipFile),
    ),
    "bit flipped in a method": (flipped(ENTRY, 10), Refusal(key="train_images", value=1)),
    "bit flipped in the zip's version": (flipped(ENTRY, 6, 128), Refusal()),
    "a name that is not UTF-8": (edited(badly_named), Refusal(cause=UnicodeDecodeError)),
    "bit flipped in the directory's place": (
        flipped(END, 19, 8),
        Refusal(key="train_images"),
    ),
    "sizes in an extra field that is not there": (edited(zip64), Refusal(key="train_images")),
    # Other arrays than those wanted.
    "no train_images": (
        without("train_images"),
        Refusal(key="train_images", expected="images and labels of train"),
    ),
    "no test_labels": (
        without("test_labels"),
        Refusal(key="test_labels", expected="images and labels of train"),
    ),
    "images without colours": (
        changed("val_images", lambda images: images[..., 0]),
        Refusal(key="val_images", value=(8, 28, 28), expected="(n, 28, 28, 3)"),
    ),
    "images with an alpha channel": (
        changed("val_images", lambda images: np.concatenate([images, images[..., :1]], 3)),
        Refusal(key="val_images", value=(8, 28, 28, 4), expected="(n, 28, 28, 3)"),
    ),
    "images of 64 pixels": (
        changed("test_images", lambda images: np.zeros((9, 64, 64, 3), np.uint8)),
        Refusal(key="test_images", value=(9, 64, 64, 3), expected="(n, 28, 28, 3)"),
    ),
    "flat labels": (
        changed("train_labels", lambda labels: labels[:, 0]),
        Refusal(key="train_labels", value=(10,), expected="(n, 1)"),
    ),
    "two labels each": (
        changed("train_labels", lambda labels: np.repeat(labels, 2, 1)),
        Refusal(key="train_labels", value=(10, 2), expected="(n, 1)"),
    ),
    "a single number": (
        changed("train_labels", lambda labels: np.array(3)),
        Refusal(key="train_labels", value=(), expected="(n, 1)"),
    ),
    "Fortran order": (
        changed("val_images", np.asfortranarray),
        Refusal(key="val_images", value=(8, 28, 28, 3), expected="(n, 28, 28, 3)"),
    ),
    "float images": (
        changed("train_images", lambda images: images.astype(np.float32)),
        Refusal(key="train_images", value="float32", expected="uint8"),
    ),
    "int8 images": (
        changed("train_images", lambda images: images.view(np.int8)),
        Refusal(key="train_images", value="int8", expected="uint8"),
    ),
    "float labels": (
        changed("val_labels", lambda labels: labels.astype(float)),
        Refusal(key="val_labels", value="float64", expected="an integer type"),
    ),
    "true and false as labels": (
        changed("val_labels", lambda labels: labels > 3),
        Refusal(key="val_labels", value="bool", expected="an integer type"),
    ),
    "words as labels": (
        changed("val_labels", lambda labels: labels.astype(str)),
        Refusal(key="val_labels", value="<U3", expected="an integer type"),
    ),
    "label 8": (holding(8, np.uint8), Refusal(key="val_labels", value=8, expected="0 to 7")),
    "label -1": (holding(-1, np.int8), Refusal(key="val_labels", value=-1, expected="0 to 7")),
    "label 256": (holding(256, np.uint16), Refusal(key="val_labels", value=256, expected="0 to 7")),
    "label 2^63": (
        holding(2**63, np.uint64),
        Refusal(value=9223372036854775808, expected="0 to 7", key="val_labels"),
    ),
    "no images": (
        changed("test_images", lambda images: images[:0]),
        Refusal(key="test_images", value=0, expected="1 to 100,000"),
    ),
    "no labels": (
        changed("test_labels", lambda labels: labels[:0]),
        Refusal(key="test_labels", value=0, expected="1 to 100,000"),
    ),
    "a label too few": (
        changed("test_labels", lambda labels: labels[1:]),
        Refusal(key="test_labels", value=8, expected="9, as many as test_images"),
    ),
    # Made to harm, or by something else than numpy.savez.
    "a huge array": (
        bomb(120_000, 120_000),
        Refusal(key="train_images", value=120000, expected="1 to 100,000"),
    ),
    "more than the header says": (
        bomb(120_000, 10),
        Refusal(key="train_images", expected="23,520"),
    ),
    "less than the header says": (
        bomb(1000, MAX_IMAGES),
        Refusal(key="train_images", expected="235,200,000"),
    ),
    "a negative shape": (
        member(npy(header("(-1, 28, 28, 3)"))),
        Refusal(key="train_images", value=-1, expected="1 to 100,000"),
    ),
    "an astronomic shape": (
        member(npy(header(f"({10**30}, 1)")), "val_labels"),
        Refusal(key="val_labels", expected="1 to 100,000", value=10**30),
    ),
    "very many members": (
        members(MAX_ARCHIVE_MEMBERS),
        Refusal(value=1006, expected="at most 1,000"),
    ),
    "a member twice": (
        member(npy(header("(10, 28, 28, 3)"), bytes(10 * PIXELS)), times=2),
        Refusal(key="train_images", value=2, expected="once"),
    ),
    "encrypted": (
        edited(encrypted),
        Refusal(key="train_images", cause=RuntimeError),
    ),
    "compressed by bzip2": (
        member(npy(header("(10, 28, 28, 3)")), method=zipfile.ZIP_BZIP2),
        Refusal(key="train_images", value=12, expected="0 or 8"),
    ),
    "compressed by lzma": (
        member(npy(header("(10, 28, 28, 3)")), method=zipfile.ZIP_LZMA),
        Refusal(key="train_images", value=14, expected="0 or 8"),
    ),
    "npy 2.0": (
        member(npy(header("(10, 28, 28, 3)"), bytes(10 * PIXELS), 2)),
        Refusal(key="train_images", value=(2, 0), expected="(1, 0)"),
    ),
    "npy 3.0": (
        member(npy(header("(10, 28, 28, 3)"), bytes(10 * PIXELS), 3)),
        Refusal(key="train_images", value=(3, 0), expected="(1, 0)"),
    ),
    "a member that is no npy": (member(b"words"), Refusal(key="train_images")),
    "an empty member": (member(b""), Refusal(key="train_images")),
}
BAD |= {
    f"a header that is {name}": (member(npy(text)), Refusal(key="train_images"))
    for name, text in {
        "a list": "['descr']\n",
        "code": "__import__('os').abort()\n",
        "words": "one two\n",
        "cut off": "{'descr': '|u1', \n",
        "several lines": "{\n\n\n",
        "nested": "(" * 9000 + "\n",
        "a very large number": header("(" + "9" * 5000 + ", 28, 28, 3)"),
        "huge": header("(10, 28, 28, 3)") + " " * 60_000,
        "of mixed keys": "{1: 2, 'descr': '|u1'}\n",
        "without a type": header("(10, 28, 28, 3)", "()"),
        "of an unknown type": header("(10, 28, 28, 3)", "'x9'"),
        "of a shape in words": header("'wide'"),
    }.items()
}


def refuse(path: Path) -> DataError:
    """Return the error with which the file is refused, which is complete and fits a line."""
    with pytest.raises(DataError) as caught:
        load_file(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < len(str(path)) + 240
    assert caught.value.path == str(path)
    assert caught.value.expected is not None
    return caught.value


@pytest.mark.timeout(30)  # a pipe or a device could be waited for without end
@pytest.mark.parametrize("kind", BAD)
def test_load_file_bad_file_raises_and_leaves_it_unchanged(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    spoil, refusal = BAD[kind]
    spoil(path)
    before = path.read_bytes() if is_small_file(path) else None
    error = refuse(path)
    assert refusal.key in error.problem.removeprefix(str(path))
    assert refusal.value is None or error.value == refusal.value
    assert str(error.expected).startswith(refusal.expected)
    assert refusal.cause is None or isinstance(error.__cause__, refusal.cause)
    if before is not None:
        assert path.read_bytes() == before


def is_small_file(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < 10**7


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("step", ["stat", "read_bytes"])
def test_load_file_without_permission_raises(
    error: OSError, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The errors are planted: the superuser, as whom tests may run, may read everything."""

    def fail(*_: object, **__: object) -> None:
        raise error

    path = saved(tmp_path / "cells.npz")
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, fail)
        refused = refuse(path)
    assert refused.__cause__ is error
    assert error.strerror in refused.problem


def test_load_file_name_too_long_raises(tmp_path: Path) -> None:
    error = refuse(tmp_path / ("x" * 300))
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("kind", ["a huge array", "more than the header says"])
def test_load_file_decompression_bomb_is_not_unpacked(kind: str, tmp_path: Path) -> None:
    """282 MB of zeros in a file of 1.3 MB."""
    path = tmp_path / "cells.npz"
    BAD[kind][0](path)
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        refuse(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.sprung,)


@pytest.mark.parametrize("key", ["train_images", "train_labels"])
def test_load_file_pickled_objects_are_not_unpickled(key: str, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.empty(sound()[key].shape, object)
    trap[:] = Trap(sprung)
    path = saved(tmp_path / "cells.npz", sound() | {key: trap})
    error = refuse(path)
    assert key in error.problem.removeprefix(str(path))
    assert error.value == np.dtype(object)
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as trusting:  # so it would have been
        _ = trusting[key]
    assert sprung.exists()


def assert_same(cells: BloodCells, arrays: Arrays) -> None:
    for name in SIZES:
        split = getattr(cells, name)
        assert split.images.dtype == split.labels.dtype == np.uint8
        np.testing.assert_array_equal(split.images, arrays[f"{name}_images"], strict=True)
        np.testing.assert_array_equal(split.labels, arrays[f"{name}_labels"][:, 0])


@pytest.mark.parametrize("compressed", [False, True])
def test_load_file_valid_file_returns_what_was_saved(compressed: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "my cells.npz", compressed=compressed)
    content = path.read_bytes()
    cells = load_file(path)
    assert_same(cells, sound())
    assert path.read_bytes() == content
    assert (cells.kind, cells.name) == ("file", "my cells.npz")
    assert cells.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert cells.sha256 == hashlib.sha256(content).hexdigest()
    assert len(set(cells.class_names)) == 8
    assert cells.class_names[0] == "basophil"
    assert cells.class_names[7] == "platelet"


def test_load_file_further_keys_are_ignored(tmp_path: Path) -> None:
    further = {"train_masks": np.zeros((3, 3)), "notes": np.array({"by": "me"}, object)}
    assert_same(load_file(saved(tmp_path / "cells.npz", sound() | further)), sound())


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", "<i4", "<i8", "<u8", ">i4", ">i8"])
def test_load_file_labels_of_any_integer_type_are_loaded(dtype: str, tmp_path: Path) -> None:
    arrays = {k: v.astype(dtype) if "labels" in k else v for k, v in sound().items()}
    assert_same(load_file(saved(tmp_path / "cells.npz", arrays)), sound())


def test_load_file_python_2_header_is_loaded(tmp_path: Path) -> None:
    """NumPy warns of it; a user is not bothered."""
    images = sound()["train_images"]
    member(npy(header("(10L, 28L, 28L, 3L)"), images.tobytes()))(path := tmp_path / "cells.npz")
    assert_same(load_file(path), sound())


def test_load_file_official_md5_is_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medmnist import INFO

    path = saved(tmp_path / "bloodmnist.npz")
    assert load_file(path).kind == "file"  # whatever its name
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(INFO["bloodmnist"], "MD5", md5)
    cells = load_file(path)
    assert cells.kind == "official"


def test_get_medmnist_info_names_the_official_md5_and_classes() -> None:
    class_names, md5 = medmnist.get_medmnist_info()
    assert md5 == "7053d0359d879ad8a5505303e11de1dc"
    assert class_names[:3] == ("basophil", "eosinophil", "erythroblast")


def test_load_synthetic_twice_gives_the_same_sha256(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        medmnist, "generate_synthetic_arrays", partial(generate_synthetic_arrays, scale=0.01)
    )
    cells, again = medmnist.load_synthetic(), medmnist.load_synthetic()
    assert_same(cells, generate_synthetic_arrays(scale=0.01))
    assert cells.sha256 == again.sha256
    assert (cells.kind, cells.name, cells.md5) == ("synthetic", "synthetic", None)
    assert cells.class_names == medmnist.get_medmnist_info()[0]

    for key, array in (arrays := generate_synthetic_arrays(scale=0.01)).items():  # each counts
        other = array.copy()
        other.flat[0] ^= 1
        monkeypatch.setattr(
            medmnist, "generate_synthetic_arrays", lambda other=arrays | {key: other}: other
        )
        assert medmnist.load_synthetic().sha256 != cells.sha256


TINY: Arrays = {
    key: array[:1] if "images" not in key else array[:1] // 32 for key, array in sound().items()
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes replaced, removed or inserted, most of them where the structure is."""
    positions = st.integers(0, len(content) - 1)
    near = [i for signature in (b"PK", b"\x93NUMPY") for i in range(len(content) - 130)
            if content.startswith(signature, i)]  # fmt: skip
    heads = st.builds(lambda start, step: start + step, st.sampled_from(near), st.integers(0, 127))
    mutated = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        position = draw(heads | positions)
        match draw(st.sampled_from(["flip", "flip", "replace", "remove", "insert"])):
            case "flip":
                mutated[position % len(mutated)] ^= 1 << draw(st.integers(0, 7))
            case "replace":
                new = draw(st.binary(min_size=1, max_size=8))
                mutated[position : position + len(new)] = new
            case "remove":
                del mutated[position : position + draw(st.integers(1, 200))]
            case _:
                mutated[position:position] = draw(st.binary(min_size=1, max_size=64))
    return bytes(mutated)


@pytest.mark.parametrize("compressed", [False, True])
def test_load_file_damaged_bytes_raise_or_change_nothing(
    compressed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens to the bytes: the arrays that were saved, or `DataError`, nothing else."""
    path = saved(tmp_path_factory.mktemp("fuzz") / "cells.npz", TINY, compressed=compressed)
    outcomes = set()

    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    @given(damaged(path.read_bytes()))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            cells = load_file(path)
        except DataError as error:
            outcomes.add("refused" if str(error).isprintable() else "refused in several lines")
        else:
            assert_same(cells, TINY)
            outcomes.add("loaded")

    check()
    assert outcomes == {"refused", "loaded"}
