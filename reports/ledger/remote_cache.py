"""A study at an address, with a copy here of what was read of it and written to it."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bloodnets.storage.backends import AT_ONCE, PRIVATE, Remote
from bloodnets.storage.checkpoint_header import STATES


class Mirror:
    """A remote study with, in a private temporary folder, a copy of what was read and written.

    It takes for granted that nobody else writes to the study meanwhile, but for the files that its
    trials leave, which it does not read before they are told to be there.

    Attributes:
        place: of the study.
        folder: of the copy; gone with this object.
    """

    def __init__(self, remote: Remote) -> None:
        """List what is there.

        Raises:
            OSError: it could not be done.
        """
        self.place, self._remote = remote.place, remote
        self._there = remote.names("")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PRIVATE}{os.getpid()}-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def read(self, name: str) -> bytes:
        """As `Local.read`; other files of the same folder come along, but for models.

        States are read each time anew, and not kept.
        """
        path, folder = self.folder / name, name.rpartition("/")[0]
        if folder.startswith(STATES):
            return self._remote.read(name)
        if not path.exists():
            along = {name}
            if folder and folder != "models":
                along |= {other for other in self._there if other.rpartition("/")[0] == folder}
            self._fetch(along)
        return path.read_bytes()

    def begins(self, name: str, size: int) -> tuple[bytes, int]:
        """As `Local.begins`."""
        return self._remote.begins(name, size)

    def write(self, name: str, content: bytes) -> None:
        """As `Local.write`."""
        self._remote.write(name, content)
        self._put(name, content)

    def exists(self, name: str) -> bool:
        """As `Local.exists`."""
        return name in self._there

    def names(self, folder: str) -> set[str]:
        """As `Local.names`."""
        return {name for name in self._there if name.startswith(f"{folder}/")}

    def remove(self, folder: str) -> None:
        """As `Local.remove`."""
        self._remote.remove(folder)
        self._there -= self.names(folder)

    def fetch(self, folder: str) -> Path:
        """As `Local.fetch`.

        Raises:
            OSError: it could not be read.
        """
        self._fetch(self.names(folder))
        return self.folder / folder

    def keep(self, name: str) -> None:
        """Put a file or a folder that was made in the copy where it belongs, in place of the old.

        Raises:
            OSError: it could not be done.
        """
        path = self.folder / name
        made = [each for each in (path, *path.rglob("*")) if each.is_file()]
        names = {each.relative_to(self.folder).as_posix(): each for each in made}
        if self.names(name) - names.keys():
            self._remote.remove(name)
        _all_at_once(lambda pair: self._remote.write(pair[0], pair[1].read_bytes()), names.items())
        self._there = (self._there - self.names(name)) | names.keys()

    def _fetch(self, names: Iterable[str]) -> None:
        missing = [name for name in names if not (self.folder / name).exists()]
        _all_at_once(lambda name: self._put(name, self._remote.read(name)), missing)

    def _put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if not path.name.startswith("."):
            self._there.add(name)


def _all_at_once(act: Callable[[Any], None], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(act, items):
            pass
