"""The GPUs of this host, which PyTorch is asked for only where a driver is installed."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from study.runtime import gpus
from study.runtime.gpus import find_gpus, read_gpu_memory


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
