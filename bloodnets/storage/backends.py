"""Where a study's files are: a folder of this host, or an address such as s3://bucket/studies.

`LocalStorage` and `RemoteStorage` have the same methods. Names of files are paths within the
study's folder, with `/`. A file appears whole or not at all: in a folder by
`atomic_write.write_atomic`, elsewhere as object stores put objects. Files whose names begin with a
dot are nobody's: they are not listed.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bloodnets.errors import DataError
from bloodnets.storage.atomic_write import write_atomic

ResultT = TypeVar("ResultT")

STUDY_FILE = "study.json"
"""The file that makes a folder a study's."""

TEMP_PREFIX = "bloodstudy-"
"""How the names of our temporary folders begin; the number of their process follows."""

RETRY_TIMEOUT_S = 90.0
"""How long a store that fails is tried again: what cloud providers call a transient error passes
within seconds, and a restart of a store of one's own within a minute."""

MAX_PARALLEL_REQUESTS = 16
"""Requests: each takes a store tens of milliseconds, most of them waiting."""

_PERMANENT_S3_ERRORS = (
    "ACCESS_DENIED",
    "NO_SUCH_BUCKET",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
)
"""Answers of S3 that will be the same the next time."""


@dataclass(frozen=True, slots=True)
class RemotePath:
    """Of a folder that pyarrow reaches: s3://bucket/studies, gs://bucket/studies.

    Attributes:
        url: as written, without a slash at the end.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> "RemotePath":
        """All but the last part."""
        return RemotePath(self.url.rpartition("/")[0])


StudyPath = Path | RemotePath
"""Of a study, or of the studies."""


def parse_location(text: str) -> StudyPath:
    """What a user wrote, as a path or an address.

    Raises:
        DataError: it is neither.
    """
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise DataError(f"{text!r} is not an address: {error}", path=text) from error
    if parts.username or parts.password:
        # Without the address itself, which would show the password.
        raise DataError(
            f"the address at {parts.hostname} holds a name or a password, which would stand in "
            f"the study's files",
            remedy="use the provider's environment variables or profiles instead",
        )
    if parts.query or parts.fragment or not parts.netloc:
        raise DataError(
            f"the address is {text!r}",
            path=text,
            value=text,
            expected="a bucket and a folder, e.g. s3://bucket/studies",
        )
    return RemotePath(text.rstrip("/"))


def to_absolute_str(location: StudyPath) -> str:
    """A place as another machine, or another process, is told of it."""
    return str(location.resolve() if isinstance(location, Path) else location)


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

    def remove(self, folder: str) -> None:
        """Remove a folder and all that is in it, as far as it can be."""
        shutil.rmtree(self.folder / folder, ignore_errors=True)

    def local_copy(self, folder: str) -> Path:
        """The folder, on this machine."""
        return self.folder / folder

    def upload(self, name: str) -> None:
        """Nothing: a file or folder that was made in `folder` is where it belongs."""


class RemoteStorage:
    """A folder that pyarrow reaches.

    Attributes:
        location: its address.
        retry_timeout_s: how long the store is tried again where it fails, as long as that may pass.
    """

    def __init__(self, location: RemotePath, *, retry_timeout_s: float = RETRY_TIMEOUT_S) -> None:
        """Connect to a store.

        Raises:
            DataError: pyarrow knows no such kind of address.
            OSError: it does not answer.
        """
        import pyarrow
        from pyarrow import fs

        self.location: StudyPath = location
        self.retry_timeout_s = retry_timeout_s
        self._fs_module = fs
        # One request for a small file, where S3's default takes three.
        options = "?allow_delayed_open=true" if location.url.startswith("s3://") else ""
        self._write_pool = ThreadPoolExecutor(MAX_PARALLEL_REQUESTS)
        try:
            self._filesystem, self._root = self._retry(
                lambda: fs.FileSystem.from_uri(f"{location}{options}")
            )
        except pyarrow.ArrowInvalid as error:
            raise DataError(
                f"{location} cannot be used: {_shorten_error(error)}", path=str(location)
            ) from error

    def read(self, name: str) -> bytes:
        """As `LocalStorage.read`."""

        def read() -> bytes:
            with self._filesystem.open_input_file(self._join_path(name)) as file:
                return bytes(file.read())

        return self._retry(read)

    def read_prefix(self, name: str, size_bytes: int) -> tuple[bytes, int]:
        """As `LocalStorage.read_prefix`."""

        def read() -> tuple[bytes, int]:
            with self._filesystem.open_input_file(self._join_path(name)) as file:
                return bytes(file.read(size_bytes)), int(file.size())

        return self._retry(read)

    def write(self, name: str, content: bytes) -> None:
        """As `LocalStorage.write`; there are no folders to be made."""

        def write() -> None:
            with self._filesystem.open_output_stream(self._join_path(name)) as file:
                file.write(content)

        # In another thread, which Ctrl-C does not reach: pyarrow closes a file that was opened and
        # not written as an empty one.
        self._retry(lambda: self._write_pool.submit(write).result())

    def exists(self, name: str) -> bool:
        """As `LocalStorage.exists`.

        Raises:
            OSError: the store cannot be asked.
        """
        info = self._retry(lambda: self._filesystem.get_file_info(self._join_path(name)))
        return bool(info.is_file)

    def list_files(self, folder: str) -> set[str]:
        """As `LocalStorage.list_files`.

        Raises:
            OSError: the store cannot be asked.
        """
        selector = self._fs_module.FileSelector(
            self._join_path(folder), recursive=True, allow_not_found=True
        )
        file_infos = self._retry(lambda: self._filesystem.get_file_info(selector))
        return {
            info.path.removeprefix(f"{self._root}/")
            for info in file_infos
            if info.is_file and not info.base_name.startswith(".")
        }

    def remove(self, folder: str) -> None:
        """As `LocalStorage.remove`."""
        try:
            self._retry(lambda: self._filesystem.delete_dir(self._join_path(folder)))
        except OSError:
            return

    def _join_path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _retry(self, operation: Callable[[], ResultT]) -> ResultT:
        # Imported here, as pyarrow is: a study in a local folder needs neither.
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

        retrying = Retrying(
            retry=retry_if_exception(_is_transient),
            wait=wait_exponential(multiplier=0.5, max=10),
            stop=stop_after_delay(self.retry_timeout_s),
            reraise=True,
        )
        try:
            return retrying(operation)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise OSError(f"{self.location}: {_shorten_error(error)}") from error


def _is_transient(error: BaseException) -> bool:
    """Whether a request that failed may succeed when it is sent again.

    pyarrow gives S3's error code only in its text.
    """
    if isinstance(error, FileNotFoundError) or not isinstance(error, OSError):
        return False
    return not any(f"AWS Error {code}" in str(error) for code in _PERMANENT_S3_ERRORS)


def open_storage(
    location: StudyPath, *, retry_timeout_s: float = RETRY_TIMEOUT_S
) -> LocalStorage | RemoteStorage:
    """What reads and writes there.

    Raises:
        DataError: pyarrow knows no such kind of address.
        OSError: it does not answer.
    """
    return (
        LocalStorage(location)
        if isinstance(location, Path)
        else RemoteStorage(location, retry_timeout_s=retry_timeout_s)
    )


def _shorten_error(error: Exception) -> str:
    """The first line of what pyarrow says: of Hadoop's files, hundreds follow."""
    return str(error).partition("\n")[0][:300]
