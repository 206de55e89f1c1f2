"""Read and write a study's files in a folder of this host.

`LocalStorage` has the methods of `remote.RemoteStorage`. File names are paths within the study,
with `/`. A file appears under its name when it is complete. Files whose names begin with a dot are
not listed.
"""

import contextlib
import os
import shutil
from pathlib import Path

from bloodnets.storage.location import StudyPath


class LocalStorage:
    """Storage in a folder of this host or in a folder that it mounts.

    Attributes:
        location: Folder as a `StudyPath`, as in `remote.RemoteStorage`.
        folder: Folder as a `Path`.
    """

    def __init__(self, folder: Path) -> None:
        self.location: StudyPath = folder
        self.folder = folder

    def read(self, name: str) -> bytes:
        """Return the contents of a file.

        Raises:
            OSError: The file cannot be read.
        """
        return (self.folder / name).read_bytes()

    def read_prefix(self, name: str, size_bytes: int) -> tuple[bytes, int]:
        """Return the first bytes of a file, at most `size_bytes`, and the file's size in bytes.

        Raises:
            OSError: The file cannot be read.
        """
        with (self.folder / name).open("rb") as file:
            return file.read(size_bytes), os.fstat(file.fileno()).st_size

    def write(self, name: str, content: bytes) -> None:
        """Write a file; create the parent directory, but not its parents.

        Raises:
            OSError: The file could not be written; an existing file is unchanged.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, content)

    def exists(self, name: str) -> bool:
        """Return whether the file exists."""
        return (self.folder / name).is_file()

    def list_files(self, folder: str) -> set[str]:
        """Return the names of all files in a folder and its subfolders."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in (self.folder / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def list_folders(self) -> set[str]:
        """Return the names of the subfolders.

        Raises:
            OSError: The folder cannot be read.
        """
        return {path.name for path in self.folder.iterdir() if path.is_dir()}

    def remove(self, folder: str) -> None:
        """Remove a folder and its contents; errors are ignored."""
        shutil.rmtree(self.folder / folder, ignore_errors=True)

    def local_copy(self, folder: str) -> Path:
        """Return the path of a folder on this host."""
        return self.folder / folder

    def upload(self, name: str) -> None:
        """Do nothing, because files created in `folder` are already in place."""


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file atomically.

    A reader sees the old contents or the new ones, even after a power failure. The contents are
    written to a temporary file (`.<name>.<process>.part`) beside `path`, synced and renamed. Then
    the folder is synced.

    Raises:
        OSError: The file could not be written; an existing file is unchanged.
    """
    temp_path = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temp_path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temp_path.replace(path)
    finally:
        temp_path.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_folder(folder: Path, new_folder: Path) -> None:
    """Move `new_folder` to `folder`, and remove the previous folder if there is one.

    Args:
        folder: Folder to replace; if the move fails, it is as before.
        new_folder: Complete folder on the same file system.

    Raises:
        OSError: The folder could not be moved.
    """
    old_folder = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    with contextlib.suppress(FileNotFoundError):
        folder.replace(old_folder)
    try:
        new_folder.replace(folder)
    except OSError:
        if old_folder.exists():
            old_folder.replace(folder)
        raise
    shutil.rmtree(old_folder, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it survive a power failure.

    Raises:
        OSError: The folder could not be synced.
    """
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
