"""Tell why a trial's process died."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.runtime.ray_internals import KILLED_BY_RAY


def count_kernel_kills() -> int:
    """How many processes beside this one the kernel has killed for want of memory.

    Of its control group, in the first or second version of those; else of the machine; 0 where
    the system does not say.
    """
    for counter_file in (*_list_cgroup_counters(), Path("/proc/vmstat")):
        if counter_file.exists():
            for line in counter_file.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _list_cgroup_counters() -> Iterator[Path]:
    cgroup_file = Path("/proc/self/cgroup")
    for line in cgroup_file.read_text().splitlines() if cgroup_file.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            yield Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
        elif not controllers:
            yield Path(f"/sys/fs/cgroup{path}/memory.events")


def describe_failure(trial: Any, *, killed_by_kernel: bool) -> str:
    """A few words on why the process of one of Tune's trials is no more."""
    error_file = Path(trial.error_file)  # Tune adds each failure at its end
    error_log = error_file.read_text(errors="replace") if error_file.exists() else ""
    if KILLED_BY_RAY in error_log.rpartition("Failure # ")[2]:
        return KILLED_BY_RAY
    if killed_by_kernel:
        return "out of memory: killed by the kernel"
    return "its process died"
