"""Find the GPUs of this host that PyTorch can use."""

import ctypes
from pathlib import Path

NVIDIA_DRIVER = "libcuda.so.1"
"""Library that every NVIDIA driver installs and that CUDA loads by this name."""

AMD_DRIVER = Path("/dev/kfd")
"""Device file of AMD's driver, which ROCm opens."""


def find_gpus() -> tuple[str, ...]:
    """Return the names of the GPUs.

    PyTorch decides which GPUs are usable. Its import takes seconds, so it is skipped if no driver
    is installed.
    """
    if not _has_driver():
        return ()
    import torch

    if not torch.cuda.is_available():
        return ()
    return tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def read_gpu_memory() -> int:
    """Return the memory in bytes of the GPU of this host that has the least; there must be one."""
    import torch

    n_gpus = torch.cuda.device_count()
    return min(torch.cuda.get_device_properties(i).total_memory for i in range(n_gpus))


def _has_driver() -> bool:
    try:
        ctypes.CDLL(NVIDIA_DRIVER)
    except OSError:
        return AMD_DRIVER.exists()
    return True
