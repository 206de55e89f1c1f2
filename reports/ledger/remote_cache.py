"""Access a study in object storage through a local copy of the files read and written so far."""

import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.storage.remote import MAX_PARALLEL_REQUESTS, RemoteStorage
from bloodnets.storage.temp_folder import open_temp_folder


class RemoteCache:
    """Remote study with a private temporary copy of the files read and written so far.

    It assumes that only this process writes to the study, except for the files of the trials'
    workers. It reads those only after a worker has reported them.

    Attributes:
        location: Address of the study.
        folder: Folder of the copy, removed together with this object.
    """

    def __init__(self, remote: RemoteStorage) -> None:
        """List the files of the study.

        Args:
            remote: Storage of the study.

        Raises:
            OSError: The files cannot be listed.
        """
        self.location, self._remote = remote.location, remote
        self._file_names = remote.list_files("")
        stack = ExitStack()
        self.folder = stack.enter_context(open_temp_folder()) / "study"
        self.folder.mkdir(mode=0o700)
        weakref.finalize(self, stack.close)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, see `LocalStorage.read`.

        The other files of the same folder are also downloaded, except for models. Checkpoints are
        read from the storage each time and not kept.
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
        """Return the first bytes and the size of a file, see `LocalStorage.read_prefix`."""
        return self._remote.read_prefix(name, size)

    def write(self, name: str, content: bytes) -> None:
        """Write a file, see `LocalStorage.write`."""
        self._remote.write(name, content)
        self._store_file(name, content)

    def exists(self, name: str) -> bool:
        """Return whether a file exists, see `LocalStorage.exists`."""
        return name in self._file_names

    def list_files(self, folder: str) -> set[str]:
        """Return the names of the files in a folder, see `LocalStorage.list_files`."""
        # A copy, because another thread may add a name.
        return {name for name in tuple(self._file_names) if name.startswith(f"{folder}/")}

    def remove(self, folder: str) -> None:
        """Remove a folder, see `LocalStorage.remove`."""
        self._remote.remove(folder)
        self._file_names -= self.list_files(folder)

    def local_copy(self, folder: str) -> Path:
        """Return the local copy of a folder, see `LocalStorage.local_copy`.

        Raises:
            OSError: A file cannot be read.
        """
        self._download_missing(self.list_files(folder))
        return self.folder / folder

    def upload(self, name: str) -> None:
        """Upload a file or folder that was created in the copy, replacing the old one.

        Raises:
            OSError: A file cannot be written.
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
