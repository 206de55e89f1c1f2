"""Tell why a trial's process died."""

from collections.abc import Iterator
from pathlib import Path

from ray.tune.experiment import Trial

from study.runtime.ray_internals import OutOfMemoryActorError, load_trial_error


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


def describe_failure(trial: Trial, *, killed_by_kernel: bool) -> str:
    """Return in a few words why the process of one of Tune's trials died."""
    if isinstance(load_trial_error(trial), OutOfMemoryActorError):
        return "out of memory: killed by Ray, as its machine had little left"
    if killed_by_kernel:
        return "out of memory: killed by the kernel"
    return "its process died"
