"""Why a trial's process died, and that the death of one ends no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

_BY_RAY = "out of memory: killed by Ray, as its machine had little left"


def kernel_kills() -> int:
    """How many processes beside this one the kernel has killed for want of memory.

    Of its control group, in the first or second version of those; else of the machine; 0 where
    the system does not say.
    """
    for file in (*_own_counters(), Path("/proc/vmstat")):
        if file.exists():
            for line in file.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _own_counters() -> Iterator[Path]:
    own = Path("/proc/self/cgroup")
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            yield Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
        elif not controllers:
            yield Path(f"/sys/fs/cgroup{path}/memory.events")


def cause_of_death(trial: Any, *, killed_by_kernel: bool) -> str:
    """A few words on why the process of one of Tune's trials is no more."""
    file = Path(trial.error_file)  # Tune adds each failure at its end
    said = file.read_text(errors="replace") if file.exists() else ""
    if _BY_RAY in said.rpartition("Failure # ")[2]:
        return _BY_RAY
    if killed_by_kernel:
        return "out of memory: killed by the kernel"
    return "its process died"


def outlive_memory_killer() -> None:
    """Let Tune take a trial that Ray's memory monitor killed for one whose process died.

    Ray says it with an exception that Tune does not know, and so ends with all its trials.
    """
    failed = RayActorManager._actor_task_failed
    if failed.__name__ == "as_dead":
        return

    def as_dead(self: Any, *, exception: Exception, **task: Any) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=f"{_BY_RAY}. {exception}")
        failed(self, exception=exception, **task)

    RayActorManager._actor_task_failed = as_dead
