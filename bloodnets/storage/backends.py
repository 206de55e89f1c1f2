"""Where a study's files are: a folder of this machine, or an address such as s3://bucket/studies.

`Local` and `Remote` have the same methods. Names of files are paths within the study's folder, with
`/`. A file appears whole or not at all, in a folder by `files.write_whole`, elsewhere
as object stores put objects. Files whose names begin with a dot are nobody's: they are not listed.
"""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bloodnets.errors import DataError
from bloodnets.storage.atomic_write import write_whole

Result = TypeVar("Result")

STUDY = "study.json"
"""The file that makes a folder a study's."""

PRIVATE = "bloodstudy-"
"""How the names of our temporary folders begin; the number of their process follows."""

PATIENCE_S = 90.0
"""How long a store that fails is tried again: what cloud providers call a transient error passes
within seconds, and a restart of a store of one's own within a minute."""

AT_ONCE = 16
"""Requests: each takes a store tens of milliseconds, most of them waiting."""

_FINAL = ("ACCESS_DENIED", "NO_SUCH_BUCKET", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH")
"""Answers of S3 that will be the same the next time."""


@dataclass(frozen=True, slots=True)
class Address:
    """Of a folder that pyarrow reaches: s3://bucket/studies, gs://bucket/studies.

    Attributes:
        text: as written, without a slash at the end.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self.text}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> "Address":
        """All but the last part."""
        return Address(self.text.rpartition("/")[0])


Place = Path | Address
"""Of a study, or of the studies."""


def place(text: str) -> Place:
    """What a user wrote, as a path or an address.

    Raises:
        DataError: it is neither.
    """
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise DataError(f"{text!r} is not an address: {error}") from error
    if parts.username or parts.password:
        raise DataError(
            f"the address at {parts.hostname} holds a name or a password, which would stand in "
            f"the study's files; use the provider's environment variables or profiles instead"
        )
    if parts.query or parts.fragment or not parts.netloc:
        raise DataError(
            f"the address is {text!r}; wanted: a bucket and a folder, as s3://bucket/studies"
        )
    return Address(text.rstrip("/"))


def everywhere(at: Place) -> str:
    """A place as another machine, or another process, is told of it."""
    return str(at.resolve() if isinstance(at, Path) else at)


class Local:
    """A folder of this machine, or of one that it mounts."""

    def __init__(self, folder: Path) -> None:
        self.place: Place = folder
        self.folder = folder

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            OSError: it cannot be read.
        """
        return (self.folder / name).read_bytes()

    def begins(self, name: str, size: int) -> tuple[bytes, int]:
        """A file's first bytes, at most `size`, and its length.

        Raises:
            OSError: it cannot be read.
        """
        with (self.folder / name).open("rb") as file:
            return file.read(size), os.fstat(file.fileno()).st_size

    def write(self, name: str, content: bytes) -> None:
        """Write a file; the folder that it is in is made, but not the one above that.

        Raises:
            OSError: it could not be written; an earlier one is still there.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.folder / name).is_file()

    def names(self, folder: str) -> set[str]:
        """Names of all files in a folder and the folders in it."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in (self.folder / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def remove(self, folder: str) -> None:
        """Remove a folder and all that is in it, as far as it can be."""
        shutil.rmtree(self.folder / folder, ignore_errors=True)

    def fetch(self, folder: str) -> Path:
        """The folder, on this machine."""
        return self.folder / folder

    def keep(self, name: str) -> None:
        """Nothing: a file or folder that was made in `folder` is where it belongs."""


class Remote:
    """A folder that pyarrow reaches.

    Attributes:
        place: its address.
        patience_s: how long the store is tried again where it fails, as long as that may pass.
    """

    def __init__(self, address: Address, *, patience_s: float = PATIENCE_S) -> None:
        """Connect to a store.

        Raises:
            DataError: pyarrow knows no such kind of address.
            OSError: it does not answer.
        """
        import pyarrow
        from pyarrow import fs

        self.place: Place = address
        self.patience_s = patience_s
        self._fs = fs
        # One request for a small file, where S3's default takes three.
        options = "?allow_delayed_open=true" if address.text.startswith("s3://") else ""
        self._writing = ThreadPoolExecutor(AT_ONCE)
        try:
            self._files, self._root = self._patiently(
                lambda: fs.FileSystem.from_uri(f"{address}{options}")
            )
        except pyarrow.ArrowInvalid as error:
            raise DataError(f"{address} cannot be used: {_line(error)}") from error

    def read(self, name: str) -> bytes:
        """As `Local.read`."""

        def read() -> bytes:
            with self._files.open_input_file(self._path(name)) as file:
                return bytes(file.read())

        return self._patiently(read)

    def begins(self, name: str, size: int) -> tuple[bytes, int]:
        """As `Local.begins`."""

        def read() -> tuple[bytes, int]:
            with self._files.open_input_file(self._path(name)) as file:
                return bytes(file.read(size)), int(file.size())

        return self._patiently(read)

    def write(self, name: str, content: bytes) -> None:
        """As `Local.write`; there are no folders to be made."""

        def write() -> None:
            with self._files.open_output_stream(self._path(name)) as file:
                file.write(content)

        # In another thread, which Ctrl-C does not reach: pyarrow closes a file that was opened and
        # not written as an empty one.
        self._patiently(lambda: self._writing.submit(write).result())

    def exists(self, name: str) -> bool:
        """As `Local.exists`.

        Raises:
            OSError: the store cannot be asked.
        """
        info = self._patiently(lambda: self._files.get_file_info(self._path(name)))
        return bool(info.is_file)

    def names(self, folder: str) -> set[str]:
        """As `Local.names`.

        Raises:
            OSError: the store cannot be asked.
        """
        selected = self._fs.FileSelector(self._path(folder), recursive=True, allow_not_found=True)
        found = self._patiently(lambda: self._files.get_file_info(selected))
        return {
            info.path.removeprefix(f"{self._root}/")
            for info in found
            if info.is_file and not info.base_name.startswith(".")
        }

    def remove(self, folder: str) -> None:
        """As `Local.remove`."""
        try:
            self._patiently(lambda: self._files.delete_dir(self._path(folder)))
        except OSError:
            return

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _patiently(self, act: Callable[[], Result]) -> Result:
        deadline, wait_s = time.monotonic() + self.patience_s, 0.5
        while True:
            try:
                return act()
            except FileNotFoundError:
                raise
            except OSError as error:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or any(f"AWS Error {code}" in str(error) for code in _FINAL):
                    raise OSError(f"{self.place}: {_line(error)}") from error
                time.sleep(min(wait_s, left_s))
                wait_s = min(2 * wait_s, 10.0)


def storage_at(at: Place, *, patience_s: float = PATIENCE_S) -> Local | Remote:
    """What reads and writes there.

    Raises:
        DataError: pyarrow knows no such kind of address.
        OSError: it does not answer.
    """
    return Local(at) if isinstance(at, Path) else Remote(at, patience_s=patience_s)


def _line(error: Exception) -> str:
    """The first line of what pyarrow says: of Hadoop's files, hundreds follow."""
    return str(error).partition("\n")[0][:300]
