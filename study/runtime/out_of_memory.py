"""Why a trial's process died, and that the death of one ends no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

_KILLED_BY_RAY = "out of memory: killed by Ray, as its machine had little left"


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


def failure_reason(trial: Any, *, killed_by_kernel: bool) -> str:
    """A few words on why the process of one of Tune's trials is no more."""
    error_file = Path(trial.error_file)  # Tune adds each failure at its end
    error_log = error_file.read_text(errors="replace") if error_file.exists() else ""
    if _KILLED_BY_RAY in error_log.rpartition("Failure # ")[2]:
        return _KILLED_BY_RAY
    if killed_by_kernel:
        return "out of memory: killed by the kernel"
    return "its process died"


def patch_oom_handling() -> None:
    """Let Tune take a trial that Ray's memory monitor killed for one whose process died.

    Ray says it with an exception that Tune does not know, and so ends with all its trials.
    """
    original_handler = RayActorManager._actor_task_failed
    if original_handler.__name__ == "as_dead":
        return

    def handle_as_actor_death(self: Any, *, exception: Exception, **task: Any) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=f"{_KILLED_BY_RAY}. {exception}")
        original_handler(self, exception=exception, **task)

    RayActorManager._actor_task_failed = handle_as_actor_death
