"""A study at an address, with a copy here of what was read of it and written to it."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.storage.location import TEMP_PREFIX
from bloodnets.storage.remote import MAX_PARALLEL_REQUESTS, RemoteStorage


class RemoteCache:
    """A remote study with, in a private temporary folder, a copy of what was read and written.

    It takes for granted that nobody else writes to the study meanwhile, but for the files that its
    trials leave, which it does not read before they are told to be there.

    Attributes:
        location: of the study.
        folder: of the copy; gone with this object.
    """

    def __init__(self, remote: RemoteStorage) -> None:
        """List what is there.

        Raises:
            OSError: it could not be done.
        """
        self.location, self._remote = remote.location, remote
        self._file_names = remote.list_files("")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{TEMP_PREFIX}{os.getpid()}-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def read(self, name: str) -> bytes:
        """As `LocalStorage.read`; other files of the same folder come along, but for models.

        States are read each time anew, and not kept.
        """
        path, folder = self.folder / name, name.rpartition("/")[0]
        if folder.startswith(CHECKPOINT_DIR):
            return self._remote.read(name)
        if not path.exists():
            names = {name}
            if folder and folder != "models":
                names |= {other for other in self._file_names if other.rpartition("/")[0] == folder}
            self._download_missing(names)
        return path.read_bytes()

    def read_prefix(self, name: str, size: int) -> tuple[bytes, int]:
        """As `LocalStorage.read_prefix`."""
        return self._remote.read_prefix(name, size)

    def write(self, name: str, content: bytes) -> None:
        """As `LocalStorage.write`."""
        self._remote.write(name, content)
        self._store_file(name, content)

    def exists(self, name: str) -> bool:
        """As `LocalStorage.exists`."""
        return name in self._file_names

    def list_files(self, folder: str) -> set[str]:
        """As `LocalStorage.list_files`."""
        return {name for name in self._file_names if name.startswith(f"{folder}/")}

    def remove(self, folder: str) -> None:
        """As `LocalStorage.remove`."""
        self._remote.remove(folder)
        self._file_names -= self.list_files(folder)

    def local_copy(self, folder: str) -> Path:
        """As `LocalStorage.local_copy`.

        Raises:
            OSError: it could not be read.
        """
        self._download_missing(self.list_files(folder))
        return self.folder / folder

    def upload(self, name: str) -> None:
        """Put a file or a folder that was made in the copy where it belongs, in place of the old.

        Raises:
            OSError: it could not be done.
        """
        path = self.folder / name
        files = [file for file in (path, *path.rglob("*")) if file.is_file()]
        file_by_name = {file.relative_to(self.folder).as_posix(): file for file in files}
        if self.list_files(name) - file_by_name.keys():
            self._remote.remove(name)
        _run_in_parallel(
            lambda pair: self._remote.write(pair[0], pair[1].read_bytes()), file_by_name.items()
        )
        self._file_names = (self._file_names - self.list_files(name)) | file_by_name.keys()

    def _download_missing(self, names: Iterable[str]) -> None:
        missing = [name for name in names if not (self.folder / name).exists()]
        _run_in_parallel(lambda name: self._store_file(name, self._remote.read(name)), missing)

    def _store_file(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if not path.name.startswith("."):
            self._file_names.add(name)


def _run_in_parallel(function: Callable[[Any], None], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(MAX_PARALLEL_REQUESTS) as pool:
        for _ in pool.map(function, items):
            pass
