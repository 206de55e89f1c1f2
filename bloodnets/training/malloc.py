"""Make the C library keep the memory that tensors free, if it supports this."""

import ctypes

# From glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MAX_MMAP_THRESHOLD = 32 * 2**20  # the maximum that glibc accepts
_NEVER_TRIM = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensors, in this process and from now on.

    A step frees tens of megabytes and allocates as many again. By default, glibc returns them to
    the system in between, and the page faults take a few percent of the step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only: missing on macOS and with musl
        mallopt(_M_MMAP_THRESHOLD, _MAX_MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM)
