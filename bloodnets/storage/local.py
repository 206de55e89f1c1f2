"""A study's files in a folder of this host.

`LocalStorage` has the methods of `remote.RemoteStorage`. Names of files are paths within the study,
with `/`. A file appears under its name whole or not at all. Files whose names begin with a dot are
not listed.
"""

import os
import shutil
from pathlib import Path

from bloodnets.storage.location import StudyPath


class LocalStorage:
    """A folder of this machine, or of one that it mounts."""

    def __init__(self, folder: Path) -> None:
        self.location: StudyPath = folder
        self.folder = folder

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            OSError: it cannot be read.
        """
        return (self.folder / name).read_bytes()

    def read_prefix(self, name: str, size_bytes: int) -> tuple[bytes, int]:
        """A file's first bytes, at most `size_bytes`, and its length.

        Raises:
            OSError: it cannot be read.
        """
        with (self.folder / name).open("rb") as file:
            return file.read(size_bytes), os.fstat(file.fileno()).st_size

    def write(self, name: str, content: bytes) -> None:
        """Write a file; the folder that it is in is made, but not the one above that.

        Raises:
            OSError: it could not be written; an earlier one is still there.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, content)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.folder / name).is_file()

    def list_files(self, folder: str) -> set[str]:
        """Names of all files in a folder and the folders in it."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in (self.folder / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def list_folders(self) -> set[str]:
        """Return the names of the folders in this one.

        Raises:
            OSError: This folder cannot be read.
        """
        return {path.name for path in self.folder.iterdir() if path.is_dir()}

    def remove(self, folder: str) -> None:
        """Remove a folder and all that is in it, as far as it can be."""
        shutil.rmtree(self.folder / folder, ignore_errors=True)

    def local_copy(self, folder: str) -> Path:
        """The folder, on this machine."""
        return self.folder / folder

    def upload(self, name: str) -> None:
        """Nothing: a file or folder that was made in `folder` is where it belongs."""


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a power cut, sees the old or the new.

    It is written beside its place (`.<name>.<process>.part`), synced, and renamed; then the folder
    is synced.

    Raises:
        OSError: it could not be written; what was at `path` is still there.
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut.

    Raises:
        OSError: it could not be done.
    """
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
