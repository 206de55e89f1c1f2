"""Describe the software that determines results: library versions and our own source code."""

import hashlib
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bloodnets.versions import collect_versions
from reports.ledger.records import SoftwareRecord

PACKAGES = ("bloodnets", "reports", "study")

SOURCE_SUFFIXES = (".py", ".json")
"""Suffixes of code and of reference data. Templates and styles do not affect results."""


def collect_software(libraries: Iterable[str]) -> SoftwareRecord:
    """Describe the software of this process.

    Args:
        libraries: Names of the installed distributions whose versions are recorded.
    """
    return SoftwareRecord(
        versions=collect_versions(libraries),
        sources=hash_sources(),
        commit=_read_commit(),
    )


@cache
def hash_sources() -> dict[str, str]:
    """Return the SHA-256 of the source code of each package in `PACKAGES`, in hexadecimal."""
    return {package: _hash_folder(_find_package_folder(package)) for package in PACKAGES}


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    paths = (path for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES)
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _find_package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"package {package} is not installed", name=package)
    return Path(next(iter(spec.submodule_search_locations)))


def _read_commit() -> str | None:
    """Return the commit of the source code; None if it is not a Git checkout."""
    root = _find_package_folder("study").resolve().parent
    if not (root / ".git").exists():  # a folder, or a file in a worktree
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        # Excludes tags, which `git describe` would print instead of the commit.
        done = subprocess.run(  # noqa: S603 - the command is fixed
            [*command, "--exclude=*"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
