"""Collect the versions of the libraries that train a trial, and decide which versions are equal."""

import platform
from collections.abc import Iterable
from importlib.metadata import version

LIBRARIES = ("bloodstudy", "torch", "numpy", "ray")
"""Names of the installed distributions that take part in training."""


def collect_versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of libraries in this process, by name.

    Args:
        libraries: Names of installed distributions.
    """
    return {"python": platform.python_version()} | {name: version(name) for name in libraries}


def get_significant_version(name: str, full_version: str) -> str:
    """Return the part of a version that must be the same for all trials of a study.

    Python's patch version and PyTorch's build (`+cpu`, `+cu130`) may differ, because they differ
    between computers. All other versions must be equal.

    Args:
        name: `python`, or the name of a distribution.
        full_version: Version, e.g. `3.11.7` or `2.13.0+cpu`.
    """
    if name == "python":
        return ".".join(full_version.split(".")[:2])
    return full_version.partition("+")[0] if name == "torch" else full_version
