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

from bloodnets.data.download import FILE_NAME, official_url
from bloodnets.data.medmnist import load_file, medmnist_facts
from bloodnets.errors import DataError, MachineError, StudyError
from bloodnets.storage.atomic_write import write_whole
from bloodnets.storage.backends import Address, Place, storage_at
from reports.format.units import plural
from study.configs.presets import PUBLISHED
from study.configs.study_config import GridConfig
from study.lifecycle.preflight import check_remote
from study.runtime.connection import private_token, probe
from study.runtime.node_check import Node, described, fault, nodes
from study.runtime.resources import available_cores, slots
from study.runtime.session import default_gpus, output_to, ray_session, run_test_task

TRIAL_BYTES = 0.7 * 2**30
"""Memory of a trial's process: PyTorch and Ray take .4 GB, training on 28 x 28 images the rest."""

STUDY_BYTES = 2**30
"""Room on the disk that the eight configurations with a few seeds need, and what runs beside."""

TIMEOUT_S = 5.0


class Finding(NamedTuple):
    """One line of the examination.

    Attributes:
        passed: whether a study could run, as far as this is concerned.
        text: the line.
    """

    passed: bool
    text: str


def examine(
    *, results: Place, data_file: Path | None, data_root: Path | None, address: str | None
) -> Iterator[Finding]:
    """Check one thing after another; nothing is left behind.

    Args:
        results: the folder that would hold the study.
        data_file: data to train on; None for BloodMNIST.
        data_root: folder of BloodMNIST's file; None for medmnist's own.
        address: of a Ray cluster; None for Ray on this machine.
    """
    config = GridConfig(
        name="doctor",
        results=results,
        configurations=tuple(PUBLISHED),
        seeds=1,
        max_epochs=1,
        patience=1,
        width=None,
        batch_size=1,
        precision="float32",
        cpus_per_trial=1,
        gpus_per_trial=default_gpus(None) if address is None else 0,
        max_concurrent=None,
        address=address,
    )
    for name, check in (
        ("software", _software),
        ("machine", _machine),
        ("GPU", _gpu),
        ("storage", lambda: _storage(results)),
        ("data", lambda: _data(data_file, data_root)),
        ("token", _token),
    ):
        yield _finding(name, check)
    if address is None:
        yield _finding("Ray", lambda: _ray(config))
    else:
        yield from _cluster(config, _file(data_file, data_root))


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(True, f"pass  {name}: {check()}")
    except StudyError as error:
        return Finding(False, f"FAIL  {name}: {' '.join(str(error).split())}")


def _software() -> str:
    wrong = []
    for text in requires("bloodstudy") or ():
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            if (found := version(needed.name)) not in needed.specifier:
                wrong.append(f"{needed.name} is {found}, wanted {needed.specifier}")
        except PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
    if wrong:
        raise MachineError(f"{'; '.join(wrong)}; install bloodstudy again")
    own = ", ".join(f"{name} {version(name)}" for name in ("bloodstudy", "torch", "ray", "optuna"))
    return f"Python {platform.python_version()}, {own}"


def _machine() -> str:
    cores, memory = available_cores(), psutil.virtual_memory()
    fit = int(memory.available / TRIAL_BYTES)
    if fit < 1:
        raise MachineError(
            f"{memory.available / 2**30:.1f} GiB of memory are free, a trial takes "
            f"{TRIAL_BYTES / 2**30:.1f}; close other programs"
        )
    text = f"{plural(cores, 'core')}, {memory.available / 2**30:.0f} GiB of memory free"
    return text if fit >= cores else f"{text}: use --max-concurrent {fit}"


def _gpu() -> str:
    count = torch.cuda.device_count()
    if count:
        names = {torch.cuda.get_device_name(index) for index in range(count)}
        return f"{count} x {', '.join(sorted(names))}: four trials on each"
    if Path("/dev/nvidia0").exists():
        raise MachineError(
            f"there is one, but PyTorch {torch.__version__} cannot use it; install a CUDA build"
        )
    return "none; trials train on the CPU, one a core"


def _storage(results: Place) -> str:
    if isinstance(results, Address):
        check_remote(results)
        return f"{results} can be written and read"
    parent = _parent(results)
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".doctor-") as folder:
            write_whole(Path(folder, "file"), b"whole")
        free = shutil.disk_usage(parent).free
    except OSError as error:
        raise MachineError(
            f"cannot write to {parent.absolute()}: {error.strerror}; choose another --results"
        ) from error
    if free < STUDY_BYTES:
        raise MachineError(
            f"{free / 2**30:.1f} GiB are free in {parent.absolute()}, wanted "
            f"{STUDY_BYTES / 2**30:.0f}; make room, or choose another --results"
        )
    return f"{results.absolute()} can be written, {free / 2**30:.0f} GiB free"


def _parent(results: Path) -> Path:
    """The folder that is there already, in which the studies' would be made."""
    return next(path for path in (results, *results.absolute().parents) if path.exists())


def _file(file: Path | None, root: Path | None) -> Path:
    return file or (root or Path.home() / ".medmnist") / FILE_NAME


def _data(file: Path | None, root: Path | None) -> str:
    path = _file(file, root)
    if file is not None or path.exists():
        cells = load_file(path)
        known = "BloodMNIST" if cells.kind == "official" else f"not BloodMNIST (MD5 {cells.md5})"
        counts = [len(split.labels) for split in (cells.train, cells.val, cells.test)]
        return f"{path}: {known}, {counts[0]:,} / {counts[1]:,} / {counts[2]:,} images"
    url = official_url()
    try:
        requests.head(url, timeout=TIMEOUT_S, allow_redirects=True).raise_for_status()
    except requests.RequestException as error:
        raise DataError(
            f"{path} is not there, and cannot be downloaded ({type(error).__name__}); give "
            f"--data-file or --data-root, or train with --data rendered"
        ) from error
    return f"{path} is not there; a study downloads it (35 MB, MD5 {medmnist_facts()[1]})"


@contextmanager
def _joined(config: GridConfig) -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory(prefix="bloodstudy-doctor-") as folder,
        output_to(Path(folder, "ray.log")),
        ray_session(config),
    ):
        yield


def _ray(config: GridConfig) -> str:
    with _joined(config):
        host, at_once = run_test_task(), slots(config)
    return f"starts on this machine ({host}): {plural(at_once, 'trial')} at once"


def _cluster(config: GridConfig, data: Path) -> Iterator[Finding]:
    """The cluster, and each of its machines."""
    try:
        probe(config.address or "")
        cells = load_file(data) if data.exists() else None
        arrays = [split.images for split in (cells.train, cells.val, cells.test)] if cells else []
        with _joined(config), _mark(config.results) as (where, mark):
            at_once = slots(config)
            answers = list(nodes(where, mark, arrays))
    except StudyError as error:
        yield Finding(False, f"FAIL  Ray: {' '.join(str(error).split())}")
        return
    count = plural(len(answers), "machine")
    yield Finding(
        True,
        f"pass  Ray: answers at {config.address} ({count}): {plural(at_once, 'trial')} at once",
    )
    for address, answer in answers:
        wrong = fault(answer, where, arrays)
        if isinstance(answer, Node) and wrong is None:
            yield Finding(True, f"pass  {address} ({answer.host}): {described(answer)}")
        else:
            yield Finding(False, f"FAIL  {address} {wrong}")


@contextmanager
def _mark(results: Place) -> Iterator[tuple[Place, str]]:
    """A file where studies would be, for other machines to find; removed afterwards."""
    where = results if isinstance(results, Address) else _parent(results).resolve()
    folder = f".doctor-{secrets.token_hex(8)}"
    try:
        storage = storage_at(where, patience_s=0)
        storage.write(f"{folder}/mark", b"")
    except OSError as error:
        raise MachineError(f"cannot write to {where}: {error.strerror or error}") from error
    try:
        yield where, f"{folder}/mark"
    finally:
        storage.remove(folder)


def _token() -> str:
    if private_token():
        return "Ray's token file could be read by all users of the machine; now by you alone"
    return "Ray's token is yours alone"
