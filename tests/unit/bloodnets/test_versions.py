"""Versions of the libraries, and which of their parts must be equal."""

import platform
from importlib.metadata import PackageNotFoundError, version

import pytest

from bloodnets.versions import LIBRARIES, collect_versions, get_significant_version


def test_collect_versions_has_python_and_the_libraries() -> None:
    versions = collect_versions()
    assert versions == {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def test_collect_versions_unknown_library_raises() -> None:
    with pytest.raises(PackageNotFoundError):
        collect_versions(("no-such-library",))


@pytest.mark.parametrize(
    ("name", "full_version", "expected"),
    [
        ("python", "3.11.7", "3.11"),
        ("python", "3.12.0rc1", "3.12"),
        ("torch", "2.13.0+cpu", "2.13.0"),
        ("torch", "2.13.0", "2.13.0"),
        ("numpy", "2.3.1", "2.3.1"),
        ("ray", "2.60.0", "2.60.0"),
        ("bloodstudy", "0.2.0+local", "0.2.0+local"),
        ("torch", "missing", "missing"),
    ],
)
def test_get_significant_version_omits_the_patch_of_python_and_the_build_of_torch(
    name: str, full_version: str, expected: str
) -> None:
    assert get_significant_version(name, full_version) == expected
