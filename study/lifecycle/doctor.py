"""What a study would find here: machine, GPU, Ray, storage, data; each passes or says a remedy."""

import platform
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

import psutil
import requests
import torch
from packaging.requirements import Requirement

from bloodnets.data.download import BLOODMNIST_FILE, get_official_url
from bloodnets.data.medmnist import get_medmnist_info, load_file
from bloodnets.errors import DataError, ResourceError, StudyError
from bloodnets.storage.local import write_atomic
from bloodnets.storage.location import RemotePath, StudyPath
from bloodnets.storage.remote import open_storage
from reports.format.units import format_count
from study.configs.presets import PUBLISHED
from study.configs.study_config import GridConfig
from study.lifecycle.preflight import check_remote_location
from study.runtime.connection import check_reachable, ensure_private_token
from study.runtime.node_check import NodeInfo, find_node_problem, format_node, query_nodes
from study.runtime.resources import compute_max_parallel_trials, count_available_cores
from study.runtime.session import get_default_gpus, open_ray_session, redirect_output, run_test_task

TRIAL_MEMORY_BYTES = 0.7 * 2**30
"""Memory of a trial's process: PyTorch and Ray take .4 GB, training on 28 x 28 images the rest."""

STUDY_DISK_BYTES = 2**30
"""Room on the disk that the eight configurations with a few seeds need, and what runs beside."""

REQUEST_TIMEOUT_S = 5.0


class CheckResult(NamedTuple):
    """One line of the examination.

    Attributes:
        passed: whether a study could run, as far as this is concerned.
        text: the line.
    """

    passed: bool
    text: str


def run_checks(
    *, storage_root: StudyPath, data_file: Path | None, data_root: Path | None, address: str | None
) -> Iterator[CheckResult]:
    """Check one thing after another; nothing is left behind.

    Args:
        storage_root: the folder that would hold the study.
        data_file: data to train on; None for BloodMNIST.
        data_root: folder of BloodMNIST's file; None for medmnist's own.
        address: of a Ray cluster; None for Ray on this machine.
    """
    config = GridConfig(
        name="doctor",
        storage_root=storage_root,
        configurations=tuple(PUBLISHED),
        seeds=1,
        max_epochs=1,
        patience=1,
        width=None,
        batch_size=1,
        precision="float32",
        cpus_per_trial=1,
        gpus_per_trial=get_default_gpus(None) if address is None else 0,
        max_concurrent=None,
        address=address,
    )
    for name, check in (
        ("software", _check_software),
        ("machine", _check_host),
        ("GPU", _check_gpu),
        ("storage", lambda: _check_storage(storage_root)),
        ("data", lambda: _check_data(data_file, data_root)),
        ("token", _check_token),
    ):
        yield _run_check(name, check)
    if address is None:
        yield _run_check("Ray", lambda: _check_ray(config))
    else:
        yield from _check_cluster(config, _resolve_data_path(data_file, data_root))


def _run_check(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(True, f"pass  {name}: {check()}")
    except StudyError as error:
        return CheckResult(False, f"FAIL  {name}: {' '.join(str(error).split())}")


def _check_software() -> str:
    problems = []
    for requirement_text in requires("bloodstudy") or ():
        requirement = Requirement(requirement_text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            if (installed := version(requirement.name)) not in requirement.specifier:
                problems.append(
                    f"{requirement.name} is {installed}, wanted {requirement.specifier}"
                )
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
    if problems:
        raise ResourceError("; ".join(problems), remedy="install bloodstudy again")
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("bloodstudy", "torch", "ray", "optuna")
    )
    return f"Python {platform.python_version()}, {versions}"


def _check_host() -> str:
    cores, memory = count_available_cores(), psutil.virtual_memory()
    max_trials = int(memory.available / TRIAL_MEMORY_BYTES)
    if max_trials < 1:
        raise ResourceError(
            f"{memory.available / 2**30:.1f} GiB of memory are free, a trial takes "
            f"{TRIAL_MEMORY_BYTES / 2**30:.1f}",
            value=memory.available,
            remedy="close other programs",
        )
    text = f"{format_count(cores, 'core')}, {memory.available / 2**30:.0f} GiB of memory free"
    return text if max_trials >= cores else f"{text}: use --max-concurrent {max_trials}"


def _check_gpu() -> str:
    count = torch.cuda.device_count()
    if count:
        names = {torch.cuda.get_device_name(index) for index in range(count)}
        return f"{count} x {', '.join(sorted(names))}: four trials on each"
    if Path("/dev/nvidia0").exists():
        raise ResourceError(
            f"there is one, but PyTorch {torch.__version__} cannot use it",
            remedy="install a CUDA build",
        )
    return "none; trials train on the CPU, one a core"


def _check_storage(storage_root: StudyPath) -> str:
    if isinstance(storage_root, RemotePath):
        check_remote_location(storage_root)
        return f"{storage_root} can be written and read"
    parent = _find_existing_parent(storage_root)
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
            remedy="make room, or choose another --storage",
        )
    return f"{storage_root.absolute()} can be written, {free_bytes / 2**30:.0f} GiB free"


def _find_existing_parent(folder: Path) -> Path:
    """The folder that is there already, in which the studies' would be made."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _resolve_data_path(file: Path | None, root: Path | None) -> Path:
    return file or (root or Path.home() / ".medmnist") / BLOODMNIST_FILE


def _check_data(file: Path | None, root: Path | None) -> str:
    path = _resolve_data_path(file, root)
    if file is not None or path.exists():
        cells = load_file(path)
        data_name = (
            "BloodMNIST" if cells.kind == "official" else f"not BloodMNIST (MD5 {cells.md5})"
        )
        counts = [len(split.labels) for split in (cells.train, cells.val, cells.test)]
        return f"{path}: {data_name}, {counts[0]:,} / {counts[1]:,} / {counts[2]:,} images"
    url = get_official_url()
    try:
        requests.head(url, timeout=REQUEST_TIMEOUT_S, allow_redirects=True).raise_for_status()
    except requests.RequestException as error:
        raise DataError(
            f"{path} is not there, and cannot be downloaded ({type(error).__name__})",
            path=path,
            remedy="give --data-file or --data-root, or train with --data synthetic",
        ) from error
    return f"{path} is not there; a study downloads it (35 MB, MD5 {get_medmnist_info()[1]})"


@contextmanager
def _connect_ray(config: GridConfig) -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory(prefix="bloodstudy-doctor-") as folder,
        redirect_output(Path(folder, "ray.log")),
        open_ray_session(config),
    ):
        yield


def _check_ray(config: GridConfig) -> str:
    with _connect_ray(config):
        host, concurrency = run_test_task(), compute_max_parallel_trials(config)
    return f"starts on this machine ({host}): {format_count(concurrency, 'trial')} at once"


def _check_cluster(config: GridConfig, data_path: Path) -> Iterator[CheckResult]:
    """The cluster, and each of its machines."""
    try:
        check_reachable(config.address or "")
        cells = load_file(data_path) if data_path.exists() else None
        arrays = [split.images for split in (cells.train, cells.val, cells.test)] if cells else []
        with (
            _connect_ray(config),
            _create_probe_file(config.storage_root) as (location, probe_file),
        ):
            concurrency = compute_max_parallel_trials(config)
            node_infos = list(query_nodes(location, probe_file, arrays))
    except StudyError as error:
        yield CheckResult(False, f"FAIL  Ray: {' '.join(str(error).split())}")
        return
    count = format_count(len(node_infos), "machine")
    yield CheckResult(
        True,
        f"pass  Ray: answers at {config.address} ({count}): "
        f"{format_count(concurrency, 'trial')} at once",
    )
    for address, node_info in node_infos:
        problem = find_node_problem(node_info, location, arrays)
        if isinstance(node_info, NodeInfo) and problem is None:
            yield CheckResult(True, f"pass  {address} ({node_info.host}): {format_node(node_info)}")
        else:
            yield CheckResult(False, f"FAIL  {address} {problem}")


@contextmanager
def _create_probe_file(storage_root: StudyPath) -> Iterator[tuple[StudyPath, str]]:
    """A file where studies would be, for other machines to find; removed afterwards."""
    location = (
        storage_root
        if isinstance(storage_root, RemotePath)
        else _find_existing_parent(storage_root).resolve()
    )
    folder = f".doctor-{secrets.token_hex(8)}"
    try:
        storage = open_storage(location, retry_timeout_s=0)
        storage.write(f"{folder}/probe", b"")
    except OSError as error:
        raise ResourceError(
            f"cannot write to {location}: {error.strerror or error}", path=str(location)
        ) from error
    try:
        yield location, f"{folder}/probe"
    finally:
        storage.remove(folder)


def _check_token() -> str:
    if ensure_private_token():
        return "Ray's token file could be read by all users of the machine; now by you alone"
    return "Ray's token is yours alone"
