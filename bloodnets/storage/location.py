"""Where studies are: a folder of this host, or an address such as s3://bucket/studies."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bloodnets.errors import DataError

STUDY_FILE = "study.json"
"""The file that makes a folder a study's."""

TEMP_PREFIX = "bloodstudy-"
"""Prefix of the names of our temporary folders; the id of their process follows."""


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
