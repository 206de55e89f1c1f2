"""A study's files in an object store, which puts an object whole or not at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bloodnets.errors import DataError
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import RemotePath, StudyPath

ResultT = TypeVar("ResultT")

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

    def list_folders(self) -> set[str]:
        """As `LocalStorage.list_folders`."""
        selector = self._fs_module.FileSelector(self._root, allow_not_found=True)
        file_infos = self._retry(lambda: self._filesystem.get_file_info(selector))
        return {
            info.base_name for info in file_infos if info.type == self._fs_module.FileType.Directory
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
