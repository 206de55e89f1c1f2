"""Read and write the files of a study, as bytes or as records; every error names the file."""

from pathlib import Path

from pydantic import ValidationError

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import RETRY_TIMEOUT_S, RemoteStorage
from reports.ledger.migration import FIRST_VERSION_WITH_LOG, READABLE_VERSIONS, migrate
from reports.ledger.records import SCHEMA_VERSION
from reports.ledger.remote_cache import RemoteCache
from reports.ledger.serialization import RecordT, from_json, read_schema_version, to_json


def get_access_hint(location: StudyPath) -> str:
    """Return the remedy for a location that cannot be read."""
    if isinstance(location, Path):
        return "check the permissions of the folder"
    return "check the network, the permissions and AWS_ENDPOINT_URL"


class StudyFiles:
    """Files of one study, in a local folder or in object storage.

    File names are paths in the study's folder, with `/`. Every file is written atomically.

    Attributes:
        location: Folder or address of the study.
        storage: Storage that reads and writes the files.
        schema_version: Version of the file format that the files have. Records of an older version
            are converted when read.
    """

    def __init__(self, location: StudyPath) -> None:
        """Open the files of an existing study.

        Args:
            location: Folder or address of the study.

        Raises:
            ConflictError: There is no study of a readable version at `location`.
            ResourceError: The address does not respond.
        """
        self.location = location
        try:
            self.storage = (
                LocalStorage(location)
                if isinstance(location, Path)
                else _open_remote_cache(location)
            )
            has_study = self.storage.exists(STUDY_FILE)
        except OSError as error:
            raise ResourceError(
                f"cannot read the study: {error}",
                path=str(location),
                remedy=get_access_hint(location),
            ) from error
        if not has_study:
            raise ConflictError(f"no study in {location}: it has no study.json", path=str(location))
        self.schema_version = self._read_schema_version()

    @property
    def folder(self) -> Path:
        """Local folder of the files; for an address, a copy of the files used so far."""
        return self.storage.folder

    @property
    def is_current(self) -> bool:
        """Whether the files have the current version of the format."""
        return self.schema_version == SCHEMA_VERSION

    @property
    def has_log(self) -> bool:
        """Whether the format of the study has a log; False for version 3."""
        return self.schema_version >= FIRST_VERSION_WITH_LOG

    def exists(self, name: str) -> bool:
        """Return whether a file exists."""
        return self.storage.exists(name)

    def list_files(self, folder: str) -> set[str]:
        """Return the names of all files in a folder and its subfolders."""
        return self.storage.list_files(folder)

    def remove(self, folder: str) -> None:
        """Remove a folder and its contents."""
        self.storage.remove(folder)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            ConflictError: The file cannot be read.
        """
        try:
            return self.storage.read(name)
        except OSError as error:
            raise self.make_read_error(name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file.

        Raises:
            ResourceError: The file could not be written; an existing file is unchanged.
        """
        try:
            self.storage.write(name, content)
        except OSError as error:
            raise self._make_write_error(name, error) from error

    def upload(self, name: str) -> None:
        """Upload a file or folder that was created in `folder`; a local study needs no upload.

        Raises:
            ResourceError: It could not be written.
        """
        try:
            self.storage.upload(name)
        except OSError as error:
            raise self._make_write_error(name, error) from error

    def read_record(self, record_type: type[RecordT], name: str) -> RecordT:
        """Return the record in a JSON file.

        Raises:
            ConflictError: The file is missing or unreadable, or is not such a record.
        """
        return self._parse_record(record_type, name, self.read(name))

    def write_record(self, name: str, record: RecordT) -> bytes:
        """Write a record to a JSON file, and return the bytes of the file.

        Raises:
            ResourceError: The file could not be written.
        """
        content = to_json(record, indent=2)
        self.write(name, content)
        return content

    def read_lines(
        self,
        record_type: type[RecordT],
        name: str,
        *,
        content: bytes | None = None,
        missing_ok: bool = False,
    ) -> list[RecordT]:
        """Return the records in a file that has one per line.

        Args:
            record_type: Type of the records.
            name: Name of the file.
            content: Bytes of the file, if they have already been read.
            missing_ok: Whether the file may be missing, which means that there are no records.

        Raises:
            ConflictError: The file is missing or unreadable, or a line is not such a record.
        """
        if missing_ok and not self.exists(name):
            return []
        lines = (self.read(name) if content is None else content).splitlines()
        return [self._parse_record(record_type, name, line) for line in lines]

    def append_line(self, name: str, record: RecordT) -> None:
        """Append a record to a file; the whole file is rewritten, so no line is ever partial.

        Raises:
            ConflictError: The file cannot be read.
            ResourceError: The file could not be written.
        """
        previous_lines = self.read(name) if self.exists(name) else b""
        self.write(name, previous_lines + to_json(record, indent=None) + b"\n")

    def make_read_error(self, name: str, error: Exception) -> ConflictError:
        """Return the error for a file that cannot be read, or whose contents are damaged."""
        path = str(self.location / name)
        # The text of an OSError has the path, too.
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        return ConflictError(f"{path} cannot be read: {reason}", path=path)

    def _make_write_error(self, name: str, error: OSError) -> ResourceError:
        path = str(self.location / name)
        return ResourceError(f"cannot write {path}: {error}", path=path)

    def _parse_record(self, record_type: type[RecordT], name: str, text: bytes) -> RecordT:
        try:
            return from_json(record_type, migrate(record_type, text, self.schema_version))
        except ValidationError as error:
            first_error = error.errors(include_url=False)[0]
            key_path = "".join(f"{key}: " for key in first_error["loc"])
            problem, path = f"{key_path}{first_error['msg']}", str(self.location / name)
            raise ConflictError(f"{path} is invalid: {problem:.200}", path=path) from error

    def _read_schema_version(self) -> int:
        """Return the version of the format of `study.json`; the current one if it has none.

        Raises:
            ConflictError: The file is unreadable, or has a version that cannot be read.
        """
        version = read_schema_version(self.read(STUDY_FILE))
        if version is None:
            return SCHEMA_VERSION  # parsing the record reports what is wrong
        if not isinstance(version, int) or version not in READABLE_VERSIONS:
            path = str(self.location / STUDY_FILE)
            raise ConflictError(
                f"{path} has schema version {version}; this bloodstudy reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}",
                path=path,
                value=version,
                remedy="use the bloodstudy version that created the study",
            )
        return version


def _open_remote_cache(address: RemotePath) -> RemoteCache:
    """Open a remote study without retries; later requests are retried."""
    remote = RemoteStorage(address, retry_timeout_s=0)
    cache = RemoteCache(remote)
    remote.retry_timeout_s = RETRY_TIMEOUT_S
    return cache
