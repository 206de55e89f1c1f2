"""A file appears under its name whole or not at all."""

import os
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a power cut, sees the old or the new.

    It is written beside its place (`.<name>.<process>.part`), synced, and renamed; then the folder
    is synced.

    Raises:
        OSError: it could not be written; what was at `path` is still there.
    """
    temp_path = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temp_path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temp_path.replace(path)
    finally:
        temp_path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut.

    Raises:
        OSError: it could not be done.
    """
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
