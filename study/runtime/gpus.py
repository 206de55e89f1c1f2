"""Find the GPUs of this host that PyTorch can use."""

import ctypes
from pathlib import Path

from bloodnets.errors import ResourceError

NVIDIA_DRIVER = "libcuda.so.1"
"""Library that every NVIDIA driver installs and that CUDA loads by this name."""

NVIDIA_DEVICE = Path("/dev/nvidia0")
"""Device file of the first GPU, which NVIDIA's driver creates."""

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


def find_gpu_error() -> ResourceError | None:
    """Return why PyTorch cannot use the NVIDIA GPU of this host, as an error that is not raised.

    Returns:
        None if PyTorch can use a GPU, or if there is none.
    """
    import torch

    if torch.cuda.is_available() or not NVIDIA_DEVICE.exists():
        return None
    build = f"PyTorch {torch.__version__}"
    if torch.version.cuda is None:
        return ResourceError(
            f"{build} cannot use the GPU of this machine",
            remedy="install a CUDA build of PyTorch, or use --device cpu",
        )
    driver_cuda = _read_driver_cuda()
    # A driver supports all minor versions of its CUDA version.
    if driver_cuda and driver_cuda[0] < int(torch.version.cuda.split(".")[0]):
        supported = ".".join(map(str, driver_cuda))
        return ResourceError(
            f"the NVIDIA driver is too old: it supports CUDA {supported}, but {build} needs CUDA "
            f"{torch.version.cuda}",
            value=supported,
            remedy="install a newer driver, or use --device cpu",
        )
    return ResourceError(
        f"{build} cannot use the GPU of this machine",
        remedy="check CUDA_VISIBLE_DEVICES and nvidia-smi, or use --device cpu",
    )


def _read_driver_cuda() -> tuple[int, int] | None:
    """Return the CUDA version that NVIDIA's driver supports; None if the driver does not say."""
    version = ctypes.c_int()
    try:
        status = ctypes.CDLL(NVIDIA_DRIVER).cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return (version.value // 1000, version.value % 1000 // 10) if status == 0 else None
