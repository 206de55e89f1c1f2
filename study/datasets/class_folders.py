"""List the images of a folder that has one subfolder per class, with or without splits.

Names are compared and stored in Unicode's composed form (NFC), because macOS and Linux may store
the same name differently. They are ordered with numbers by value: `class 2`, then `class 10`.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bloodnets.constants import SPLITS
from bloodnets.data.npy_header import MAX_NAME_LENGTH
from bloodnets.data_shape import MAX_CLASSES, MIN_CLASSES
from bloodnets.errors import DataError
from study.datasets.image_folder import ImageFolder, is_left_out_folder, list_image_folder
from study.datasets.preparation_record import SkippedFile, SkipReason

SPLIT_FOLDERS = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
}  # fmt: skip
"""Splits by the name of their folder in lower case."""

LAYOUTS = "FOLDER/CLASS/cell.png or FOLDER/{train,val,test}/CLASS/cell.png"


class ClassImage(NamedTuple):
    """Image file in a class folder.

    Attributes:
        name: Path relative to the folder, with `/`, in NFC.
        path: Path to open.
        label: Class, from 0, as an index into the class names.
        split: Split whose folder contains the file; None if the folder has no splits.
        group: Group, e.g. a patient, whose images must be in one split; None without groups.
    """

    name: str
    path: Path
    label: int
    split: str | None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolders:
    """Contents of a folder of class folders.

    Attributes:
        class_names: Names of the classes, in the order of the labels.
        has_splits: Whether the folder has the subfolders train, val and test.
        images: Image files in class folders, in the order of their names.
        skipped: Image files that cannot be used, in the order of their names.
        left_out: Numbers of other files and folders, by kind, e.g. `.txt file`.
    """

    class_names: tuple[str, ...]
    has_splits: bool
    images: tuple[ClassImage, ...]
    skipped: tuple[SkippedFile, ...]
    left_out: Mapping[str, int]


def make_sort_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return the key that orders names with numbers by value; it is unique for each name."""
    parts = re.split(r"([0-9]+)", name)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def list_class_folders(folder: Path) -> ClassFolders:
    """Return the images below each class folder, at any depth; links are not followed.

    Raises:
        DataError: The folder cannot be read, is neither `FOLDER/CLASS` nor
            `FOLDER/{train,val,test}/CLASS`, or has fewer than 2 or more than 100 classes.
    """
    top_folders = _list_subfolders(folder)
    split_folders = _find_split_folders(folder, top_folders)
    if split_folders:
        class_folders = [path for top in split_folders.values() for path in _list_subfolders(top)]
    else:
        class_folders = top_folders
    class_names = sorted({_normalize(path.name) for path in class_folders}, key=make_sort_key)
    _check_class_names(class_names, folder)
    listing = list_image_folder(folder)
    if listing.errors:
        error = listing.errors[0]
        raise DataError(
            f"{error.filename} cannot be read: {error.strerror}", path=str(error.filename)
        )
    split_by_folder = {path.name: split for split, path in split_folders.items()}
    images, outside, links = [], [], 0
    for path in listing.images:
        parts = path.relative_to(folder).parts
        split = split_by_folder.get(parts[0])
        class_parts = parts[1:] if split else parts
        if path.is_symlink():
            links += 1
        elif len(class_parts) == 1 or (split_folders and split is None):
            outside.append(path)
        else:
            label = class_names.index(_normalize(class_parts[0]))
            images.append(ClassImage(_name(path, folder), path, label, split))
    left_out = Counter(listing.left_out)
    if links:
        left_out["linked file"] = links
    return ClassFolders(
        class_names=tuple(class_names),
        has_splits=bool(split_folders),
        images=tuple(sorted(images, key=lambda image: make_sort_key(image.name))),
        skipped=_list_skipped(folder, listing, outside),
        left_out=left_out,
    )


def _list_subfolders(folder: Path) -> list[Path]:
    """Return the subfolders that can be split or class folders.

    Raises:
        DataError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.is_dir() and not is_left_out_folder(Path(entry.path))
            ]
    except FileNotFoundError as error:
        raise DataError(f"{folder} does not exist", path=folder, expected=LAYOUTS) from error
    except NotADirectoryError as error:
        raise DataError(f"{folder} is not a folder", path=folder, expected=LAYOUTS) from error
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}", path=folder) from error


def _find_split_folders(folder: Path, top_folders: Sequence[Path]) -> dict[str, Path]:
    """Return the folders of the three splits; an empty dictionary if there is none.

    Raises:
        DataError: Only some splits have a folder, or one has two.
    """
    split_folders: dict[str, Path] = {}
    for path in sorted(top_folders):
        split = SPLIT_FOLDERS.get(path.name.lower())
        if split is not None and split in split_folders:
            raise DataError(
                f"{folder} has the folders {split_folders[split].name} and {path.name}",
                path=folder,
                value=path.name,
                expected=f"one folder of {split}",
            )
        if split is not None:
            split_folders[split] = path
    missing = [split for split in SPLITS if split not in split_folders]
    if split_folders and missing:
        names = " and ".join(path.name for path in split_folders.values())
        raise DataError(
            f"{folder} has {names}, but lacks {' and '.join(missing)}",
            path=folder,
            value=names,
            expected="folders train, val and test, or only class folders",
            remedy="rename a class that is called train, val or test",
        )
    return split_folders


def _check_class_names(class_names: Sequence[str], folder: Path) -> None:
    if not MIN_CLASSES <= len(class_names) <= MAX_CLASSES:
        names = f" ({class_names[0]})" if len(class_names) == 1 else ""
        raise DataError(
            f"{folder} has {len(class_names)} class folder{'' if names else 's'}{names}",
            path=folder,
            value=len(class_names),
            expected=f"{MIN_CLASSES} to {MAX_CLASSES}, in {LAYOUTS}",
        )
    for name in class_names:
        if not name.isprintable() or not name.strip() or len(name) > MAX_NAME_LENGTH:
            raise DataError(
                f"{folder} has the class folder {name!r}",
                path=folder,
                value=name,
                expected=f"a name of at most {MAX_NAME_LENGTH} printable characters",
                remedy="rename it",
            )
    names_by_key: dict[str, str] = {}
    for name in class_names:
        other = names_by_key.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(
                f"{folder} has the class folders {other} and {name}",
                path=folder,
                value=name,
                expected="names that differ not only in case",
                remedy="rename one of them, or put their images into one folder",
            )


def _list_skipped(
    folder: Path, listing: ImageFolder, outside: Iterable[Path]
) -> tuple[SkippedFile, ...]:
    skipped = [
        SkippedFile(file=_name(path, folder), reason=reason, detail=None)
        for reason, paths in (
            (SkipReason.OTHER_FORMAT, listing.unread_images),
            (SkipReason.NO_CLASS, outside),
        )
        for path in paths
    ]
    return tuple(sorted(skipped, key=lambda file: make_sort_key(file.file)))


def _name(path: Path, folder: Path) -> str:
    """Return the path relative to the folder, with `/`, in NFC.

    Raises:
        DataError: The path is not valid UTF-8, which a record cannot contain.
    """
    name = _normalize(path.relative_to(folder).as_posix())
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"the name of {name!r} is not valid UTF-8", path=path, value=name, remedy="rename it"
        ) from error
    return name


def _normalize(name: str) -> str:
    return unicodedata.normalize("NFC", name)
