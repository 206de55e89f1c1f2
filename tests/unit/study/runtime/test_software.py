"""The software that decides a trial's result."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from study.runtime.software import PACKAGES, SOURCE_SUFFIXES, collect_software, hash_sources

ROOT = Path(__file__).parents[4]


def test_collect_software_names_python_and_the_libraries() -> None:
    software = collect_software(("numpy",))
    assert software.versions == {"python": platform.python_version(), "numpy": version("numpy")}
    assert software.sources == hash_sources()
    assert software.commit is None or len(software.commit.removesuffix("-dirty")) == 40


def test_collect_software_unknown_library_raises() -> None:
    with pytest.raises(PackageNotFoundError):
        collect_software(("no-such-library",))


def test_hash_sources_covers_names_and_contents_of_all_source_files() -> None:
    expected = {}
    for package in PACKAGES:
        paths = [p for p in (ROOT / package).rglob("*") if p.suffix in SOURCE_SUFFIXES]
        digest = hashlib.sha256()
        for name, path in sorted((p.relative_to(ROOT / package).as_posix(), p) for p in paths):
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        expected[package] = digest.hexdigest()
    assert hash_sources() == expected
