"""Files that are not in the MedMNIST format, each with its defect and its expected error."""

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bloodnets.data.npz_file import EXPECTED_FORMAT, MAX_ARCHIVE_MEMBERS
from tests.helpers.npz_files import (
    END,
    ENTRY,
    PIXELS,
    Spoil,
    badly_named,
    bomb,
    changed,
    cut_off,
    edited,
    encrypted,
    flipped,
    grouped,
    header,
    holding,
    member,
    members,
    naming,
    npy,
    saved,
    sound,
    too_large,
    void,
    without,
    zip64,
)


class Refusal(NamedTuple):
    """Expected error of a bad file.

    Attributes:
        key: Array at fault; "" for the file.
        value: Value at fault; None if there is none.
        expected: Beginning of the text on what was expected.
        cause: Class of the exception that caused it; None for any, or none.
    """

    key: str = ""
    value: object = None
    expected: str = ""
    cause: type[Exception] | None = None


BAD: dict[str, tuple[Spoil, Refusal]] = {
    # Not a file, or not a zip archive.
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
    "empty": (Path.touch, Refusal(value=0, expected="1 to 4,294,967,296")),
    "too large": (
        too_large,
        Refusal(value=4294967297, expected="1 to 4,294,967,296"),
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
    # Damaged in transfer.
    "cut off at 0%": (cut_off(0), Refusal(value=0)),
    "cut off at 25%": (cut_off(0.25), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 50%": (cut_off(0.5), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 75%": (cut_off(0.75), Refusal(cause=zipfile.BadZipFile)),
    "cut off at 99%": (cut_off(0.99), Refusal(cause=zipfile.BadZipFile)),
    "bit flipped in data": (
        flipped(b"train_images", 9000),
        Refusal(key="train_images", cause=zipfile.BadZipFile),
    ),
    # zipfile checks the checksum only at the end, which a bounded read may not reach.
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
    # Missing or unexpected arrays.
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
        Refusal(key="val_images", value=(8, 28, 28), expected="(n, 28, 28, 3), as in train_images"),
    ),
    "images with an alpha channel": (
        changed("val_images", lambda images: np.concatenate([images, images[..., :1]], 3)),
        Refusal(key="val_images", value=(8, 28, 28, 4), expected="(n, side, side, 3)"),
    ),
    "images of 64 pixels": (
        changed("test_images", lambda images: np.zeros((9, 64, 64, 3), np.uint8)),
        Refusal(
            key="test_images", value=(9, 64, 64, 3), expected="(n, 28, 28, 3), as in train_images"
        ),
    ),
    "images of 300 pixels": (
        changed("test_images", lambda images: np.zeros((9, 300, 300, 3), np.uint8)),
        Refusal(key="test_images", value=(9, 300, 300, 3), expected="(n, side, side, 3)"),
    ),
    "images of 7 pixels": (
        changed("train_images", lambda images: np.zeros((10, 7, 7), np.uint8)),
        Refusal(key="train_images", value=(10, 7, 7), expected="(n, side, side, 3)"),
    ),
    "images that are not square": (
        changed("train_images", lambda images: images[:, :20]),
        Refusal(key="train_images", value=(10, 20, 28, 3), expected="(n, side, side, 3)"),
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
        Refusal(key="val_images", value=(8, 28, 28, 3), expected="C order"),
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
    "label 100": (
        holding(100, np.uint8),
        Refusal(key="val_labels", value=100, expected="0 to 99"),
    ),
    "a label without a name": (
        naming([f"class {i}" for i in range(7)]),
        Refusal(key="train_labels", value=7, expected="0 to 6"),
    ),
    "one class": (
        lambda path: void(saved(path, {k: v * 0 for k, v in sound().items()})),
        Refusal(value=1, expected="2 classes"),
    ),
    "one class name": (
        naming(["cell"]),
        Refusal(key="class_names", value=(1,), expected="(n,), with n of 2 to 100"),
    ),
    "class names in bytes": (
        naming(np.array([b"a", b"b"])),
        Refusal(key="class_names", value="|S1", expected="text"),
    ),
    "long class names": (
        naming(["a" * 201, "b"]),
        Refusal(key="class_names", value="<U201", expected="text of at most 200"),
    ),
    "a class name twice": (
        naming([*"abcdefg", "a"]),
        Refusal(key="class_names", value="a", expected="different"),
    ),
    "an empty class name": (
        naming([*"abcdefg", " "]),
        Refusal(key="class_names", value=" ", expected="different, nonempty"),
    ),
    "a class name of two lines": (
        naming([*"abcdefg", "a\nb"]),
        Refusal(key="class_names", value="a\nb", expected="different, nonempty"),
    ),
    "label -1": (holding(-1, np.int8), Refusal(key="val_labels", value=-1, expected="0 to 99")),
    "label 256": (
        holding(256, np.uint16),
        Refusal(key="val_labels", value=256, expected="0 to 99"),
    ),
    "label 2^63": (
        holding(2**63, np.uint64),
        Refusal(value=9223372036854775808, expected="0 to 99", key="val_labels"),
    ),
    "no images": (
        changed("test_images", lambda images: images[:0]),
        Refusal(key="test_images", value=0, expected="1 to 1,000,000"),
    ),
    "no labels": (
        changed("test_labels", lambda labels: labels[:0]),
        Refusal(key="test_labels", value=0, expected="1 to 1,000,000"),
    ),
    "a label too few": (
        changed("test_labels", lambda labels: labels[1:]),
        Refusal(key="test_labels", value=8, expected="9, as many as test_images"),
    ),
    # Groups.
    "groups of two splits": (grouped("val", None), Refusal(key="val_groups", expected="groups of")),
    "a column of groups": (
        grouped("train", lambda groups: groups[:, None]),
        Refusal(key="train_groups", value=(10, 1), expected="(n,)"),
    ),
    "float groups": (
        grouped("val", lambda groups: groups.astype(float)),
        Refusal(key="val_groups", value="float64", expected="an integer type"),
    ),
    "names of groups": (
        grouped("val", lambda groups: groups.astype(str)),
        Refusal(key="val_groups", expected="an integer type"),
    ),
    "no groups in a split": (
        grouped("test", lambda groups: groups[:0]),
        Refusal(key="test_groups", value=0, expected="1 to 1,000,000"),
    ),
    "a group too few": (
        grouped("test", lambda groups: groups[1:]),
        Refusal(key="test_groups", value=8, expected="9, as many as test_images"),
    ),
    "group 2^63": (
        grouped("train", lambda groups: groups.astype(np.uint64) + np.uint64(2**63)),
        Refusal(key="train_groups", value=2**63 + 9, expected="at most"),
    ),
    # Malicious files, and files that numpy.savez did not write.
    "a huge array": (
        bomb(120_000, 1_200_000),
        Refusal(key="train_images", value=1200000, expected="1 to 1,000,000"),
    ),
    "more than the header says": (
        bomb(120_000, 10),
        Refusal(key="train_images", expected="23,520"),
    ),
    "less than the header says": (
        bomb(1000, 100_000),
        Refusal(key="train_images", expected="235,200,000"),
    ),
    "an array that takes too much memory": (
        member(npy(header("(1000000, 224, 224)"))),
        Refusal(key="train_images", value=224 * 224 * 10**6, expected="at most 4 GiB"),
    ),
    "a negative shape": (
        member(npy(header("(-1, 28, 28, 3)"))),
        Refusal(key="train_images", value=-1, expected="1 to 1,000,000"),
    ),
    "an astronomic shape": (
        member(npy(header(f"({10**30}, 1)")), "val_labels"),
        Refusal(key="val_labels", expected="1 to 1,000,000", value=10**30),
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
