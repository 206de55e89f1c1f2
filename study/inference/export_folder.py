"""Write a new folder that appears with all of its files or not at all."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.local import sync_folder, write_atomic


def require_new_folder(folder: Path) -> None:
    """Check that a folder does not exist.

    Raises:
        ConflictError: The folder exists.
    """
    if os.path.lexists(folder):
        raise ConflictError(
            f"{folder} already exists", path=folder, remedy="choose another folder, or remove it"
        )


def write_new_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with all of its files.

    Args:
        folder: Folder to write; missing parent folders are created.
        files: Contents of the files by name.

    Raises:
        ConflictError: The folder exists.
        ResourceError: The folder cannot be written.
    """
    temp_folder = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        temp_folder.mkdir(parents=True)
        for name, content in files.items():
            write_atomic(temp_folder / name, content)
        require_new_folder(folder)  # renaming would replace an empty folder
        temp_folder.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise ResourceError(f"cannot write {folder}: {error.strerror}", path=folder) from error
    finally:
        shutil.rmtree(temp_folder, ignore_errors=True)
