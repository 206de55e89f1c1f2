"""Check software, machine, storage, data, GPU and Ray for `bloodstudy doctor`.

Each check imports what it needs, so the first results appear before PyTorch and Ray are loaded.
"""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from bloodnets.constants import SPLITS
from bloodnets.errors import DataError, ResourceError
from bloodnets.medmnist_sets import find_file, get_bloodmnist
from bloodnets.storage.local import write_atomic
from bloodnets.storage.location import RemotePath, StudyPath
from reports.format.data_warnings import list_data_warnings
from reports.format.units import format_count
from study.lifecycle.check_result import CheckResult, run_check
from study.lifecycle.preflight import check_remote_location, find_existing_parent
from study.runtime.cores import count_available_cores
from study.runtime.environment import list_variables_in_effect

TRIAL_MEMORY_BYTES = 0.7 * 2**30
"""Bytes of memory per trial: PyTorch and Ray take 0.4 GB, training on 28 x 28 images the rest."""

STUDY_DISK_BYTES = 2**30
"""Bytes of free disk space for the eight configurations with a few seeds, with a margin."""

REQUEST_TIMEOUT_S = 5.0


def run_checks(
    *, storage_root: StudyPath, data_file: Path | None, data_root: Path | None, address: str | None
) -> Iterator[CheckResult]:
    """Run the checks one by one, each when its result is requested, and leave no files behind.

    Args:
        storage_root: Folder or address that would hold the study.
        data_file: File with the data to train on; None for BloodMNIST.
        data_root: Folder of BloodMNIST's file; None for `~/.medmnist`.
        address: Address of a Ray cluster; None for Ray on this host.
    """
    for name, check in (
        ("software", _check_software),
        ("environment", lambda: _describe_environment(address)),
        ("machine", _check_host),
        ("storage", lambda: _check_storage(storage_root)),
    ):
        yield run_check(name, check)
    yield from _run_data_check(data_file, data_root)
    from study.lifecycle.doctor_compute import run_compute_checks

    data_path = _resolve_data_path(data_file, data_root)
    yield from run_compute_checks(storage_root=storage_root, data_path=data_path, address=address)


def _describe_environment(address: str | None) -> str:
    names = list_variables_in_effect(address)
    return f"{', '.join(names)} in effect" if names else "no variable changes a study"


def _check_software() -> str:
    problems = []
    for requirement_text in requires("bloodstudy") or ():
        requirement = Requirement(requirement_text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            if (installed := version(requirement.name)) not in requirement.specifier:
                problems.append(
                    f"{requirement.name} is {installed}, expected {requirement.specifier}"
                )
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
    if problems:
        raise ResourceError("; ".join(problems), remedy="reinstall bloodstudy")
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("bloodstudy", "torch", "ray", "optuna")
    )
    return f"Python {platform.python_version()}, {versions}"


def _check_host() -> str:
    cores, memory = count_available_cores(), psutil.virtual_memory()
    max_trials = int(memory.available / TRIAL_MEMORY_BYTES)
    if max_trials < 1:
        raise ResourceError(
            f"{memory.available / 2**30:.1f} GiB of memory are free",
            value=memory.available,
            expected=f"at least {TRIAL_MEMORY_BYTES / 2**30:.1f} GiB for one trial",
            remedy="close other programs",
        )
    text = f"{format_count(cores, 'core')}, {memory.available / 2**30:.0f} GiB of memory free"
    return text if max_trials >= cores else f"{text}: use --max-concurrent {max_trials}"


def _check_storage(storage_root: StudyPath) -> str:
    if isinstance(storage_root, RemotePath):
        check_remote_location(storage_root)
        return f"{storage_root} is readable and writable"
    parent = find_existing_parent(storage_root)
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".doctor-") as folder:
            write_atomic(Path(folder, "file"), b"whole")
        free_bytes = shutil.disk_usage(parent).free
    except OSError as error:
        raise ResourceError(
            f"cannot write to {parent.absolute()}: {error.strerror}",
            path=parent.absolute(),
            remedy="choose another --storage",
        ) from error
    if free_bytes < STUDY_DISK_BYTES:
        raise ResourceError(
            f"{free_bytes / 2**30:.1f} GiB are free in {parent.absolute()}",
            path=parent.absolute(),
            value=free_bytes,
            expected=f"at least {STUDY_DISK_BYTES / 2**30:.0f} GiB",
            remedy="free disk space, or choose another --storage",
        )
    return f"{storage_root.absolute()} is writable, {free_bytes / 2**30:.0f} GiB free"


def _resolve_data_path(file: Path | None, root: Path | None) -> Path:
    from bloodnets.data.download import get_medmnist_path

    return file or get_medmnist_path(get_bloodmnist(), root)


def _run_data_check(file: Path | None, root: Path | None) -> Iterator[CheckResult]:
    """Yield the result for the data, and one for each absent class or other fault in them."""
    warnings: list[str] = []
    yield run_check("data", lambda: _check_data(file, root, warnings))
    for text in warnings:
        yield CheckResult(True, f"warn  data: {text}")


def _check_data(file: Path | None, root: Path | None, warnings: list[str]) -> str:
    import requests

    from bloodnets.data.medmnist import load_file
    from study.datasets.data_record import make_data_record

    path = _resolve_data_path(file, root)
    if file is not None or path.exists():
        cells = load_file(path)
        warnings += list_data_warnings(make_data_record(cells))
        known_file = find_file(cells.md5)
        data_name = f"not MedMNIST (MD5 {cells.md5})" if known_file is None else known_file.title
        shape = cells.shape
        colors = "color" if shape.channels == 3 else "gray"
        counts = ", ".join(f"{name} {len(getattr(cells, name).labels):,}" for name in SPLITS)
        return (
            f"{path}: {data_name}; {shape.n_classes} classes, {shape.side} x {shape.side} pixels, "
            f"{colors}; images: {counts}"
        )
    try:
        requests.head(
            get_bloodmnist().url, timeout=REQUEST_TIMEOUT_S, allow_redirects=True
        ).raise_for_status()
    except requests.RequestException as error:
        raise DataError(
            f"{path} does not exist and cannot be downloaded ({type(error).__name__})",
            path=path,
            remedy="pass --data-file or --data-root, or train with --data synthetic",
        ) from error
    return f"{path} does not exist; a study downloads it (35 MB, MD5 {get_bloodmnist().md5})"
