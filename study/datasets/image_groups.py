"""Find images that must be in the same split: of a patient or slide, or identical ones."""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import DataError
from study.datasets.class_folders import ClassFolders, ClassImage

COLUMNS = ("file", "group")

GROUPS_FILE = "groups.csv"
"""Name of the file of groups in a folder of images."""

_MAX_NAMES = 3
"""Maximum number of images that a message names."""


def find_groups_file(folder: Path) -> Path | None:
    """Return the file `groups.csv` of a folder of images; None if there is none."""
    path = folder / GROUPS_FILE
    return path if path.exists() else None


def add_groups(folders: ClassFolders, path: Path) -> ClassFolders:
    """Return the images of a folder with their groups; an image without a row has none.

    Args:
        folders: Images without groups.
        path: CSV file in UTF-8 with the columns `file` (relative to the folder) and `group`,
            separated by commas, semicolons or tabs. Other columns are ignored.

    Raises:
        DataError: The file cannot be read, lacks a column, names an unknown image or none of the
            images, has a row without a group or two rows for an image, or has a group in two given
            splits.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel writes a signature
            delimiter = _find_delimiter(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, strict=True, delimiter=delimiter, skipinitialspace=True)
            groups = dict(_read_rows(reader, path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{path} cannot be read: {reason}",
            path=path,
            expected=f"CSV in UTF-8 with the columns {' and '.join(COLUMNS)}",
        ) from error
    names = [image.name for image in folders.images]
    known_names = {*names, *(skipped.file for skipped in folders.skipped)}
    if unknown := [name for name in groups if name not in known_names]:
        raise DataError(
            f"{path} names {_format_names(unknown)}, which the folder lacks",
            path=path,
            value=unknown[0],
            expected="paths of image files relative to the folder",
        )
    if groups.keys().isdisjoint(names):
        raise DataError(
            f"{path} has no group of {_format_names(names)}",
            path=path,
            value=names[0],
            expected="one row per image",
        )
    images = tuple(image._replace(group=groups.get(image.name)) for image in folders.images)
    _check_splits(images)
    return replace(folders, images=images)


def _check_splits(images: Sequence[ClassImage]) -> None:
    """Check that the folders of the splits have no group in common.

    Raises:
        DataError: A group is in two splits.
    """
    split_names: dict[str, dict[str, str]] = defaultdict(dict)
    for image in images:
        if image.group is not None:
            split_names[image.group].setdefault(str(image.split), image.name)
    for group, names in split_names.items():
        if len(names) > 1:
            raise DataError(
                f"the group {group!r} is in {' and '.join(names)} "
                f"(e.g. {' and '.join(names.values())})",
                value=group,
                expected="each group in one split",
                remedy="move its images to one split",
            )


def number_groups(images: Sequence[ClassImage]) -> list[int]:
    """Return the number of each image's group, from 0 in the order of their first images.

    An image without a group is a group of its own.
    """
    return _number([(image.group, None if image.group else image.name) for image in images])


def find_units(digests: Sequence[bytes], groups: Sequence[int]) -> NDArray[np.int64]:
    """Return the unit of each image: images of a unit must be in the same split.

    Images of the same group belong together, and so do identical images. A unit can therefore
    have several groups.

    Args:
        digests: Digests of the images' pixels.
        groups: Numbers of the images' groups, from `number_groups`.

    Returns:
        Units, int64, shape (n_images,), numbered from 0 in the order of their first images.
    """
    # Imports scipy, which is slow; a wrong folder is refused without it.
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    digest_numbers = _number(digests)
    n_digests = max(digest_numbers) + 1
    n_nodes = n_digests + max(groups) + 1
    edges = (digest_numbers, [n_digests + number for number in groups])
    graph = coo_array((np.ones(len(digests), np.int8), edges), shape=(n_nodes, n_nodes))
    _, unit_by_node = connected_components(graph, directed=False)
    return np.array(_number(unit_by_node[digest_numbers].tolist()), dtype=np.int64)


def _number(values: Sequence[Hashable]) -> list[int]:
    """Return a number for each value, from 0 in the order of their first occurrence."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


def _find_delimiter(header: str) -> str:
    """Return the separator of the columns; a spreadsheet writes that of the country."""
    return max(",;\t", key=header.count)


def _read_rows(reader: "csv.DictReader[str]", path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the group of each image.

    Raises:
        DataError: A column, a file or a group is missing, or a file has two rows.
    """
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise DataError(
            f"{path} lacks the column {missing[0]}",
            path=path,
            value=reader.fieldnames,
            expected=f"the first line {','.join(COLUMNS)}",
        )
    seen: set[str] = set()
    for row in reader:
        if not row["file"] or not row["group"]:
            raise DataError(
                f"{path}: line {reader.line_num} lacks a file or a group",
                path=path,
                value=reader.line_num,
                expected="a file and a group in each row",
            )
        name = unicodedata.normalize("NFC", PureWindowsPath(row["file"]).as_posix())
        if name in seen:
            raise DataError(
                f"{path} has two rows of {name}",
                path=path,
                value=name,
                expected="one row per image",
            )
        seen.add(name)
        yield name, row["group"]


def _format_names(names: Sequence[str]) -> str:
    n_more = len(names) - _MAX_NAMES
    return f"{', '.join(names[:_MAX_NAMES])}{f' and {n_more:,} more' if n_more > 0 else ''}"
