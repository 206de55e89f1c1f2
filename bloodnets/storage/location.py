"""Locations of studies: folders of this host, or addresses such as s3://bucket/studies."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bloodnets.errors import DataError

STUDY_FILE = "study.json"
"""Name of the file that identifies a folder as a study."""


@dataclass(frozen=True, slots=True)
class RemotePath:
    """Address of a folder that pyarrow can reach, e.g. s3://bucket/studies or gs://bucket/studies.

    Attributes:
        url: URL without a trailing slash.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """Last part of the address."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> "RemotePath":
        """Address without its last part."""
        return RemotePath(self.url.rpartition("/")[0])


StudyPath = Path | RemotePath
"""Location of a study, or of the folder that contains the studies."""


def parse_location(text: str) -> StudyPath:
    """Return a user's text as a path or an address.

    Raises:
        DataError: The text is an invalid address, or an address that contains credentials.
    """
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise DataError(f"{text!r} is not an address: {error}", path=text) from error
    if parts.username or parts.password:
        # The message omits the address, which would show the password.
        raise DataError(
            f"the address at {parts.hostname} contains a user name or a password, which would be "
            f"written to the study's files",
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
    """Return a location in a form that other processes and nodes can use."""
    return str(location.resolve() if isinstance(location, Path) else location)
