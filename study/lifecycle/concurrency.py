"""Measure how fast trials train that run at the same time on one GPU or on the cores of a CPU.

Each trial is a process, as in a study. The processes train on random images of BloodMNIST's shape.
"""

import gc
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import psutil
import torch

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ResourceError
from bloodnets.training.loop import train_epoch
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step

N_IMAGES = 11_959
"""Number of images in BloodMNIST's train."""

WARM_UP_STEPS = 5
"""Number of steps before the measurement; a CUDA graph is captured in the fourth one."""

MAX_WARM_UP_S = 4.0
"""Seconds after which no further step of the warm-up starts; a slow CPU needs fewer steps."""

PART_S = 0.25
"""Approximate time between two readings of the clock, in seconds. Each waits for the device."""

TIMEOUT_S = 120.0

DeviceType = str
"""`cpu` or `cuda`."""


class Throughput(NamedTuple):
    """Speed and memory of trials that train at the same time.

    Attributes:
        images_per_s: Images per second of all trials together.
        memory_bytes: Memory of all trials together: of the GPU, or else main memory.
    """

    images_per_s: float
    memory_bytes: int


class _Request(NamedTuple):
    """What a process is asked to train.

    Attributes:
        config: Settings of the trial.
        device_type: Device to train on.
        threads: Threads on the CPU, at least 1.
    """

    config: TrialConfig
    device_type: DeviceType
    threads: int


class _TrialProcess:
    """Process that trains on request."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child_connection = context.Pipe()
        self.process = context.Process(target=_serve, args=(child_connection,), daemon=True)
        # The process inherits this, and prints no traceback after Ctrl-C. A blocked signal would
        # not do, because `multiprocessing` unblocks it when it starts its resource tracker.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.process.start()
        finally:
            signal.signal(signal.SIGINT, handler)
        child_connection.close()  # otherwise, the end of the process would not be noticed

    def send(self, message: _Request | float) -> None:
        """Send a request, or the seconds to train for.

        Raises:
            ResourceError: The process has ended.
        """
        try:
            self.connection.send(message)
        except OSError as error:
            raise self._make_end_error() from error

    def receive(self) -> float:
        """Return the answer of the process.

        Raises:
            ResourceError: The process has failed or ended, or does not answer.
        """
        try:
            if not self.connection.poll(TIMEOUT_S):
                raise ResourceError(f"a process did not answer for {TIMEOUT_S:.0f} s")
            answer: float | str = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._make_end_error() from error
        if isinstance(answer, str):
            raise ResourceError(answer)
        return answer

    def kill(self) -> None:
        """End the process, which holds nothing that must be saved."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _make_end_error(self) -> ResourceError:
        self.process.join()
        code = self.process.exitcode or 0
        if code < 0:
            name = signal.Signals(-code).name
            return ResourceError(f"a process was killed by {name}; memory may have run out")
        return ResourceError(f"a process ended with exit code {code}")


class TrialPool:
    """Context with processes that can train at the same time.

    Args:
        device_type: Device to train on.
        n_processes: Maximum number of trials at the same time, at least 1.
    """

    def __init__(self, device_type: DeviceType, n_processes: int) -> None:
        self._device_type, self._n_processes = device_type, n_processes
        self._processes: list[_TrialProcess] = []
        self._free_gpu_bytes = _read_free_gpu_bytes() if device_type == "cuda" else 0

    def __enter__(self) -> Self:
        self._start_processes()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_processes()

    def measure(
        self, config: TrialConfig, n_trials: int, *, threads: int, duration_s: float
    ) -> Throughput:
        """Train copies of a trial at the same time, and return their speed and memory.

        The memory of a GPU includes what earlier trials of the pool have loaded there, so smaller
        numbers of trials come first.

        Args:
            config: Settings of the trials.
            n_trials: Number of trials, at most that of the processes.
            threads: Threads per trial on the CPU, at least 1.
            duration_s: Approximate duration of the training in seconds.

        Raises:
            ResourceError: A process failed or was killed. All of them are replaced.
        """
        self._start_processes()
        processes = self._processes[:n_trials]
        try:
            for message in (_Request(config, self._device_type, threads), duration_s):
                for process in processes:
                    process.send(message)
                answers = [process.receive() for process in processes]
            return Throughput(sum(answers), self._read_memory(processes))
        except ResourceError:
            self._kill_processes()
            raise

    def _start_processes(self) -> None:
        if not self._processes:
            self._processes = [_TrialProcess() for _ in range(self._n_processes)]

    def _kill_processes(self) -> None:
        for process in self._processes:
            process.kill()
        self._processes = []

    def _read_memory(self, processes: list[_TrialProcess]) -> int:
        if self._device_type == "cuda":
            return self._free_gpu_bytes - _read_free_gpu_bytes()
        return sum(psutil.Process(p.process.pid).memory_info().rss for p in processes)


def _read_free_gpu_bytes() -> int:
    free_bytes, _ = torch.cuda.mem_get_info()
    return int(free_bytes)


def _serve(connection: Connection) -> None:
    """Train on each request; answer a failure with its reason as text."""
    try:
        while True:
            try:
                _train_on_request(connection)
            except RuntimeError as error:  # e.g. PyTorch's error of a GPU without enough memory
                connection.send(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
    except (EOFError, OSError):
        return  # the command has ended


def _train_on_request(connection: Connection) -> None:
    """Answer a request with 0 when ready, and the seconds to train for with images per second."""
    train = _prepare(connection.recv())
    connection.send(0.0)
    connection.send(train(connection.recv()))
    connection.poll(None)  # the memory is read before the next request frees it


def _prepare(request: _Request) -> Callable[[float], float]:
    """Return a function that trains for some seconds, and returns the images per second."""
    config, device = request.config, torch.device(request.device_type)
    torch.set_num_threads(request.threads)
    keep_freed_memory()
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()  # what the trial of the previous request has left
    shape = BLOODMNIST_SHAPE
    split = DeviceSplit(
        torch.randint(
            0, 256, (N_IMAGES, shape.side, shape.side, shape.channels), dtype=torch.uint8
        ).to(device),
        torch.randint(0, shape.n_classes, (N_IMAGES,)).to(device),
    )
    state = TrainingState.create(config, shape, device)
    step = make_training_step(state, config, split)

    def train_steps(n_steps: int) -> float:
        """Train, and return the duration in seconds."""
        start_s = time.perf_counter()
        part = DeviceSplit(*(tensor[: n_steps * config.batch_size] for tensor in split))
        train_epoch(state, config, step, part).cpu()  # waits for the device
        return time.perf_counter() - start_s

    durations_s: list[float] = []
    while len(durations_s) < WARM_UP_STEPS and sum(durations_s) < MAX_WARM_UP_S:
        durations_s.append(train_steps(1))
    n_steps = max(1, min(int(PART_S / durations_s[-1]), N_IMAGES // config.batch_size))

    def train(duration_s: float) -> float:
        trained_s, n_parts = 0.0, 0
        while trained_s < duration_s:
            trained_s += train_steps(n_steps)
            n_parts += 1
        return n_parts * n_steps * config.batch_size / trained_s

    return train
