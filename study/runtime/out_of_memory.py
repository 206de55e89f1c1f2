"""Find out why the worker process of a trial died."""

from collections.abc import Iterator
from pathlib import Path

from ray.tune.experiment import Trial

from study.runtime.node_failures import NodeFailureError
from study.runtime.tune_internals import OutOfMemoryActorError, load_trial_error


def count_kernel_kills() -> int:
    """Return how many processes the kernel has killed because memory ran out.

    The count is that of this process's control group (cgroup v1 or v2), or of the whole host if
    there is no such counter. It is 0 if the system has neither.
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
    """Return in a few words why the worker process of a trial failed.

    Args:
        trial: Trial of Ray Tune whose last attempt failed.
        killed_by_kernel: Whether the kernel has killed a process since the last failure.
    """
    error = load_trial_error(trial)
    if isinstance(error, NodeFailureError):
        return str(error)
    if isinstance(error, OutOfMemoryActorError):
        return "out of memory: killed by Ray's memory monitor"
    if killed_by_kernel:
        return "out of memory: killed by the kernel"
    return "worker process died"
