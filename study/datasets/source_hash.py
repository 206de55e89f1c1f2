"""Identify the image files from which a data file is made."""

import hashlib
import json
from collections.abc import Sequence

from rich.console import Console

from study.console.progress_bar import show_progress
from study.datasets.class_folders import ClassImage


def hash_sources(images: Sequence[ClassImage], console: Console) -> str:
    """Return the SHA-256 of the names, groups and contents of image files.

    The name of an image has its class and, if the folder has splits, its split. A file that cannot
    be read counts without its contents.

    Args:
        images: Image files, in the order of their names.
        console: Console that shows the progress.
    """
    sha256 = hashlib.sha256()
    with show_progress(console, "hashing images …", len(images)) as advance:
        for image in images:
            line = json.dumps([image.name, image.group, _hash_content(image)])
            sha256.update(f"{line}\n".encode())
            advance()
    return sha256.hexdigest()


def _hash_content(image: ClassImage) -> str | None:
    try:
        with image.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
