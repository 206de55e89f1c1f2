"""Check GPU, token and Ray for `bloodstudy doctor`; importing this module loads PyTorch and Ray."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloodnets.data.medmnist import load_file
from bloodnets.errors import ResourceError, StudyError
from bloodnets.storage.location import RemotePath, StudyPath
from bloodnets.storage.remote import open_storage
from bloodnets.storage.temp_folder import open_temp_folder
from reports.format.text import label
from reports.format.units import format_count
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL, PUBLISHED
from study.configs.study_config import GridConfig
from study.lifecycle.check_result import CheckResult, run_check
from study.lifecycle.preflight import find_existing_parent
from study.runtime.connection import check_reachable
from study.runtime.gpus import find_gpu_error, find_gpus
from study.runtime.node_check import NodeInfo, find_node_problem, format_node, query_nodes
from study.runtime.resources import compute_max_parallel_trials
from study.runtime.session import (
    RAY_LOG,
    open_ray_session,
    redirect_output,
    run_test_task,
)
from study.runtime.token import ensure_private_token


def run_compute_checks(
    *, storage_root: StudyPath, data_path: Path, address: str | None
) -> Iterator[CheckResult]:
    """Check GPU, token and Ray, and leave no files behind.

    Args:
        storage_root: Folder or address that would hold the study.
        data_path: File to send to the nodes of a cluster, if it exists.
        address: Address of a Ray cluster; None for Ray on this host.
    """
    yield run_check("GPU", _check_gpu)
    yield run_check("token", _check_token)
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
        gpus_per_trial=DEFAULT_GPUS_PER_TRIAL["cnn"] if address is None and find_gpus() else 0,
        max_concurrent=None,
        address=address,
    )
    if address is None:
        yield run_check("Ray", lambda: _check_ray(config))
    else:
        yield from _check_cluster(config, data_path)


def _check_gpu() -> str:
    if (error := find_gpu_error()) is not None:
        raise error
    if names := find_gpus():
        trials = ", ".join(
            f"{int(1 / share)} of {label(family)}"
            for family, share in DEFAULT_GPUS_PER_TRIAL.items()
        )
        return f"{len(names)} x {', '.join(sorted({*names}))}: trials per GPU by default: {trials}"
    return "none; trials run on the CPU, one per core"


@contextmanager
def _connect_ray(config: GridConfig) -> Iterator[None]:
    with (
        open_temp_folder() as folder,
        redirect_output(folder / RAY_LOG),
        open_ray_session(config),
    ):
        yield


def _check_ray(config: GridConfig) -> str:
    with _connect_ray(config):
        host, concurrency = run_test_task(), compute_max_parallel_trials(config)
    return f"starts on this machine ({host}): {format_count(concurrency, 'trial')} in parallel"


def _check_cluster(config: GridConfig, data_path: Path) -> Iterator[CheckResult]:
    """Yield a result for the cluster and one for each of its nodes."""
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
    count = format_count(len(node_infos), "node")
    yield CheckResult(
        True,
        f"pass  Ray: connected to {config.address} ({count}): "
        f"{format_count(concurrency, 'trial')} in parallel",
    )
    for address, node_info in node_infos:
        problem = find_node_problem(node_info, location, arrays)
        if isinstance(node_info, NodeInfo) and problem is None:
            yield CheckResult(True, f"pass  {address} ({node_info.host}): {format_node(node_info)}")
        else:
            yield CheckResult(False, f"FAIL  {address} {problem}")


@contextmanager
def _create_probe_file(storage_root: StudyPath) -> Iterator[tuple[StudyPath, str]]:
    """Yield an empty file in the storage, by which nodes show that they can access it.

    The file is removed at the end of the context.
    """
    location = (
        storage_root
        if isinstance(storage_root, RemotePath)
        else find_existing_parent(storage_root).resolve()
    )
    folder = f".doctor-{secrets.token_hex(8)}"
    try:
        storage = open_storage(location, retry_timeout_s=0)
        storage.write(f"{folder}/probe", b"")
    except OSError as error:
        raise ResourceError(
            f"cannot write to {location}: {error.strerror or error}",
            path=str(location),
            remedy="choose another --storage",
        ) from error
    try:
        yield location, f"{folder}/probe"
    finally:
        storage.remove(folder)


def _check_token() -> str:
    if ensure_private_token():
        return "Ray's token file was readable by other users; it is now readable only by you"
    return "Ray's token file is readable only by you"
