"""Read and write a study's files in object storage, where a write is complete or has no effect."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bloodnets.errors import DataError
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import RemotePath, StudyPath

ResultT = TypeVar("ResultT")

RETRY_TIMEOUT_S = 90.0
"""Seconds for which failed storage requests are retried. Transient errors of cloud providers pass
within seconds, and a self-hosted server restarts within a minute."""

MAX_PARALLEL_REQUESTS = 16
"""Maximum number of parallel requests. A request takes tens of milliseconds, mostly waiting."""

_PERMANENT_S3_ERRORS = (
    "ACCESS_DENIED",
    "NO_SUCH_BUCKET",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
)
"""S3 error codes of requests that would fail again if retried."""


class RemoteStorage:
    """Storage in a folder that pyarrow can reach.

    Attributes:
        location: Address of the folder.
        retry_timeout_s: Seconds for which failed requests are retried, if a retry may succeed.
    """

    def __init__(self, location: RemotePath, *, retry_timeout_s: float = RETRY_TIMEOUT_S) -> None:
        """Connect to the storage.

        Raises:
            DataError: pyarrow does not support this kind of address.
            OSError: The storage does not respond.
        """
        import pyarrow
        from pyarrow import fs

        self.location: StudyPath = location
        self.retry_timeout_s = retry_timeout_s
        self._fs_module = fs
        # A small file then takes one request instead of the three that are S3's default.
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
        """Return the contents of a file; see `LocalStorage.read`."""

        def read() -> bytes:
            with self._filesystem.open_input_file(self._join_path(name)) as file:
                return bytes(file.read())

        return self._retry(read)

    def read_prefix(self, name: str, size_bytes: int) -> tuple[bytes, int]:
        """Return the first bytes of a file and its size; see `LocalStorage.read_prefix`."""

        def read() -> tuple[bytes, int]:
            with self._filesystem.open_input_file(self._join_path(name)) as file:
                return bytes(file.read(size_bytes)), int(file.size())

        return self._retry(read)

    def write(self, name: str, content: bytes) -> None:
        """Write a file as `LocalStorage.write` does, but without creating folders."""

        def write() -> None:
            with self._filesystem.open_output_stream(self._join_path(name)) as file:
                file.write(content)

        # In another thread, because Ctrl-C does not reach it. An interrupt between opening and
        # writing would leave an empty file: pyarrow closes it as one.
        self._retry(lambda: self._write_pool.submit(write).result())

    def exists(self, name: str) -> bool:
        """Return whether the file exists.

        Raises:
            OSError: The storage does not respond.
        """
        info = self._retry(lambda: self._filesystem.get_file_info(self._join_path(name)))
        return bool(info.is_file)

    def list_files(self, folder: str) -> set[str]:
        """Return the names of all files in a folder; see `LocalStorage.list_files`.

        Raises:
            OSError: The storage does not respond.
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
        """Return the names of the subfolders; see `LocalStorage.list_folders`."""
        selector = self._fs_module.FileSelector(self._root, allow_not_found=True)
        file_infos = self._retry(lambda: self._filesystem.get_file_info(selector))
        return {
            info.base_name for info in file_infos if info.type == self._fs_module.FileType.Directory
        }

    def remove(self, folder: str) -> None:
        """Remove a folder and its contents; errors are ignored."""
        try:
            self._retry(lambda: self._filesystem.delete_dir(self._join_path(folder)))
        except OSError:
            return

    def _join_path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _retry(self, operation: Callable[[], ResultT]) -> ResultT:
        # Imported here, like pyarrow, because a study in a local folder needs neither.
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
    """Return whether a failed request may succeed if it is retried.

    pyarrow gives S3's error code only in the text of the error.
    """
    if isinstance(error, FileNotFoundError) or not isinstance(error, OSError):
        return False
    return not any(f"AWS Error {code}" in str(error) for code in _PERMANENT_S3_ERRORS)


def open_storage(
    location: StudyPath, *, retry_timeout_s: float = RETRY_TIMEOUT_S
) -> LocalStorage | RemoteStorage:
    """Return the storage at a location.

    Args:
        location: Folder or address of a study, or of the studies.
        retry_timeout_s: Seconds for which failed requests to an address are retried.

    Raises:
        DataError: pyarrow does not support this kind of address.
        OSError: The storage does not respond.
    """
    return (
        LocalStorage(location)
        if isinstance(location, Path)
        else RemoteStorage(location, retry_timeout_s=retry_timeout_s)
    )


def _shorten_error(error: Exception) -> str:
    """Return the first line of a pyarrow error; for Hadoop's files, hundreds more follow."""
    return str(error).partition("\n")[0][:300]
