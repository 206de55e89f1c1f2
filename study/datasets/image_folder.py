"""List the image files of a folder, and count what is left out."""

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bloodnets.data.image_files import IMAGE_SUFFIXES
from bloodnets.storage.location import STUDY_FILE

OTHER_IMAGE_SUFFIXES = frozenset(
    (
        ".arw", ".avif", ".cr2", ".cr3", ".czi", ".dcm", ".dib", ".dng", ".emf", ".eps", ".exr",
        ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jpf", ".jxl", ".jxr", ".lif", ".mrxs", ".nd2",
        ".ndpi", ".nef", ".orf", ".pcx", ".pfm", ".psd", ".qoi", ".raw", ".rw2", ".scn", ".svs",
        ".tga", ".vsi", ".wdp", ".wmf", ".xcf",
    )
)  # fmt: skip
"""Suffixes, in lower case, of image files in formats that are not read."""

SYSTEM_NAMES = frozenset(
    (
        "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot", "@recycle",
        "@tmp", "__macosx", "desktop.ini", "ehthumbs.db", "icon\r", "lost+found", "recycler",
        "system volume information", "thumbs.db",
    )
)  # fmt: skip
"""Names, in lower case, of files and folders that a system creates, e.g. for thumbnails."""

_MAX_SUFFIX_LENGTH = 8
"""Maximum length of a suffix that is a kind of its own."""


class ImageFolder(NamedTuple):
    """Contents of a folder and its subfolders.

    Attributes:
        images: Image files, by name.
        unread_images: Image files in formats that are not read, by name.
        left_out: Numbers of other files and folders, by kind, e.g. `.txt file`.
        errors: Errors on reading subfolders.
    """

    images: list[Path]
    unread_images: list[Path]
    left_out: Counter[str]
    errors: list[OSError]


def list_image_folder(folder: Path) -> ImageFolder:
    """Return the contents of a folder.

    Links are not followed. Hidden files, system files and folders with results of bloodstudy are
    left out.
    """
    images: list[Path] = []
    unread_images: list[Path] = []
    left_out: Counter[str] = Counter()
    errors: list[OSError] = []
    for parent, folder_names, names in os.walk(folder, onerror=errors.append):
        kinds = {name: _classify_folder(parent, name) for name in folder_names}
        left_out.update(kind for kind in kinds.values() if kind)
        folder_names[:] = [name for name in folder_names if not kinds[name]]  # os.walk enters these
        for name in names:
            suffix = Path(name).suffix.lower()
            if kind := _classify_hidden(name):
                left_out[f"{kind} file"] += 1
            elif suffix in IMAGE_SUFFIXES:
                images.append(Path(parent, name))
            elif suffix in OTHER_IMAGE_SUFFIXES:
                unread_images.append(Path(parent, name))
            else:
                is_kind = 1 < len(suffix) <= _MAX_SUFFIX_LENGTH
                left_out[f"{suffix} file" if is_kind else "other file"] += 1
    return ImageFolder(sorted(images), sorted(unread_images), left_out, errors)


def is_system_name(name: str) -> bool:
    """Return whether a file or folder has the name of one that a system creates."""
    return name.lower() in SYSTEM_NAMES


def is_left_out_folder(path: Path) -> bool:
    """Return whether a subfolder is left out.

    It is hidden, a link, created by a system, or has results of bloodstudy.
    """
    return _classify_folder(str(path.parent), path.name) is not None


def _classify_hidden(name: str) -> str | None:
    if name.startswith("."):
        return "hidden"
    return "system" if is_system_name(name) else None


def _classify_folder(parent: str, name: str) -> str | None:
    """Return the kind of a subfolder that is left out; None if its files are listed."""
    if kind := _classify_hidden(name):
        return f"{kind} folder"
    path = Path(parent, name)
    if path.is_symlink():
        return "linked folder"
    return "results folder" if _holds_results(path) else None


def _holds_results(folder: Path) -> bool:
    """Return whether a folder is a study, or contains studies or data files but no images."""
    if os.path.isfile(folder / STUDY_FILE):
        return True
    if any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.glob("*")):
        return False
    data_files = (path for path in folder.glob("*.npz") if path.with_suffix(".json").exists())
    return any(folder.glob(f"*/{STUDY_FILE}")) or any(data_files)
