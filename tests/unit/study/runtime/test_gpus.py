"""The GPUs of this host, which PyTorch is asked for only where a driver is installed."""

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from study.runtime import gpus
from study.runtime.gpus import find_gpu_error, find_gpus, read_gpu_memory


def test_find_gpus_without_a_driver_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "from study.runtime import gpus\n"
        "gpus.NVIDIA_DRIVER = 'libno-such-driver.so.1'\n"
        "gpus.AMD_DRIVER = gpus.Path('/no/such/device')\n"
        "assert gpus.find_gpus() == ()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("is_nvidia", [True, False])
def test_find_gpus_with_a_driver_returns_the_names_that_torch_knows(
    is_nvidia: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A library and a file that every Linux has.
    monkeypatch.setattr(gpus, "NVIDIA_DRIVER", "libc.so.6" if is_nvidia else "libno-such.so.1")
    monkeypatch.setattr(gpus, "AMD_DRIVER", tmp_path / "none" if is_nvidia else tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    assert find_gpus() == ("GPU 0", "GPU 1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_gpus() == ()


def test_read_gpu_memory_is_that_of_the_smallest_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (80, 16)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda i: SimpleNamespace(total_memory=sizes[i])
    )
    assert read_gpu_memory() == 16


@pytest.fixture
def unusable_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this host have a GPU that PyTorch, built for CUDA 13.0, cannot use."""
    monkeypatch.setattr(gpus, "NVIDIA_DEVICE", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")


def set_driver(monkeypatch: pytest.MonkeyPatch, version: int, status: int = 0) -> None:
    """Let NVIDIA's driver return a CUDA version, e.g. 12040, or the status of an error."""

    class Driver:
        def __init__(self, _: str) -> None: ...

        def cuDriverGetVersion(self, pointer: Any) -> int:  # noqa: N802
            pointer._obj.value = version
            return status

    monkeypatch.setattr(ctypes, "CDLL", Driver)


@pytest.mark.usefixtures("unusable_gpu")
def test_find_gpu_error_old_driver_is_named_with_its_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    set_driver(monkeypatch, 12040)
    error = find_gpu_error()
    assert error is not None
    assert error.value == "12.4"
    assert "CUDA 13.0" in error.problem


@pytest.mark.usefixtures("unusable_gpu")
@pytest.mark.parametrize(("version", "status"), [(13000, 0), (13020, 0), (14000, 0), (12040, 3)])
def test_find_gpu_error_driver_that_is_new_enough_is_not_blamed(
    version: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_driver(monkeypatch, version, status)
    error = find_gpu_error()
    assert error is not None
    assert error.value is None


@pytest.mark.usefixtures("unusable_gpu")
def test_find_gpu_error_without_a_driver_library_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpus, "NVIDIA_DRIVER", "libno-such.so.1")
    assert find_gpu_error() is not None


@pytest.mark.usefixtures("unusable_gpu")
def test_find_gpu_error_cpu_build_has_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    error = find_gpu_error()
    assert error is not None
    assert "CUDA build" in str(error.remedy)


@pytest.mark.usefixtures("unusable_gpu")
def test_find_gpu_error_usable_or_missing_gpu_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_gpu_error() is None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpus, "NVIDIA_DEVICE", tmp_path / "none")
    assert find_gpu_error() is None
