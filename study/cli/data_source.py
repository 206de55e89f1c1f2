"""Parse the value of `--data`: synthetic cells, a data set of MedMNIST, or a folder of images."""

import os
from pathlib import Path
from typing import NamedTuple

from bloodnets.data_shape import MAX_SIDE, MIN_SIDE
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import DEFAULT_SIDE, MedMnistFile, is_set_name, parse_option

SYNTHETIC = "synthetic"
"""Value of `--data` for synthetic cells."""


class FolderSource(NamedTuple):
    """Folder of the user's own images.

    Attributes:
        folder: Folder of class folders, or of splits.
        side: Height and width to which the images are resized, 8 to 256 pixels.
    """

    folder: Path
    side: int


def parse_data_source(text: str) -> MedMnistFile | FolderSource | None:
    """Return the data that a value of `--data` names; None for synthetic cells.

    A name of MedMNIST or `synthetic` wins over a folder, which is then written as `./NAME`.

    Raises:
        DataError: There are no such data, or they are not supported.
    """
    name, colon, _ = text.partition(":")
    if name == SYNTHETIC:
        if colon:
            raise DataError.of_value("--data", text, f"{SYNTHETIC}, without a side")
        return None
    if is_set_name(name):
        return parse_option(text)
    if (source := _parse_folder(text)) is not None:
        return source
    if os.path.exists(text):
        remedy = "pass a data file with --data-file"
        raise DataError.of_value(
            "--data", text, "the name of a data set, or a folder", remedy=remedy
        )
    if os.sep in text:
        raise DataError.of_value("--data", text, "a folder that exists")
    return parse_option(text, other_names=(SYNTHETIC,))


def require_data_source(value: str | None) -> str | None:
    """Return the value of `--data`, which may be missing.

    Raises:
        DataError: There are no such data, or they are not supported.
    """
    if value is not None:
        parse_data_source(value)
    return value


def _parse_folder(text: str) -> FolderSource | None:
    """Return the folder and the side in a value of `--data`; None if there is no such folder."""
    path = os.path.expanduser(text)
    if os.path.isdir(path):
        return FolderSource(Path(path), DEFAULT_SIDE)
    path, _, side_text = path.rpartition(":")
    if not os.path.isdir(path):
        return None
    sides = {str(side): side for side in range(MIN_SIDE, MAX_SIDE + 1)}
    if side_text not in sides:
        raise DataError.of_value("--data", text, f"a side of {MIN_SIDE} to {MAX_SIDE} pixels")
    return FolderSource(Path(path), sides[side_text])
