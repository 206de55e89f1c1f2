"""The process ends when Ray is gone: a part of it is, and Ray itself stays."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bloodnets.errors import ResourceError
from study.runtime import watchdog
from study.runtime.watchdog import Heartbeat, watch_ray


class End:
    """What the watchdog does at the end, in place of ending the tests.

    Attributes:
        events: What it said is lost, and the exit code.
        reached: Set at the end.
    """

    def __init__(self) -> None:
        self.events: list[str | int] = []
        self.reached = threading.Event()

    def say_lost(self, part: str) -> None:
        self.events.append(part)

    def exit(self, code: int) -> None:
        self.events.append(code)
        self.reached.set()


@pytest.fixture
def end(ray_folder: Path, monkeypatch: pytest.MonkeyPatch) -> End:
    end = End()
    monkeypatch.setattr(watchdog, "CHECK_INTERVAL_S", 0.01)
    monkeypatch.setattr(watchdog, "kill_process_tree", end.exit)
    return end


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the name of Ray's, beside the real one."""
    program = tmp_path / "raylet"
    shutil.copy(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "600"]) as process:
        yield process
        process.kill()


def test_watch_ray_while_ray_runs_says_nothing(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = threading.Semaphore(0)
    connect = socket.create_connection

    def count(*args: object, **options: object) -> socket.socket:
        checks.release()
        return connect(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", count)
    with watch_ray(Heartbeat(), end.say_lost):
        for _ in range(3):
            assert checks.acquire(timeout=30)
    assert end.events == []


def test_watch_ray_dead_raylet_ends_the_process(end: End, raylet: subprocess.Popen[bytes]) -> None:
    with watch_ray(Heartbeat(), end.say_lost):
        raylet.kill()
        assert end.reached.wait(30)
    part, code = end.events[:2]
    assert "raylet" in str(part)
    assert code == ResourceError.exit_code


def test_watch_ray_unreachable_gcs_ends_the_process_after_several_misses(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    misses = 0

    def refuse(*_: object, **__: object) -> None:
        nonlocal misses
        misses += not end.reached.is_set()
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with watch_ray(Heartbeat(), end.say_lost):
        assert end.reached.wait(30)
    part, code = end.events
    assert "GCS" in str(part)
    assert code == ResourceError.exit_code
    assert misses == watchdog.MAX_GCS_MISSES


def test_watch_ray_misses_that_are_not_in_a_row_say_nothing(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks, n_checks, connect = threading.Semaphore(0), 0, socket.create_connection

    def refuse_every_second(*args: object, **options: object) -> socket.socket:
        nonlocal n_checks
        n_checks += 1
        checks.release()
        if n_checks % 2:
            raise ConnectionRefusedError
        return connect(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", refuse_every_second)
    with watch_ray(Heartbeat(), end.say_lost):
        for _ in range(2 * watchdog.MAX_GCS_MISSES + 1):
            assert checks.acquire(timeout=30)
    assert end.events == []


def test_watch_ray_silent_trials_end_the_process(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "MAX_SILENCE_S", 0.05)
    heartbeat = Heartbeat()
    with watch_ray(heartbeat, end.say_lost):
        assert end.reached.wait(30)
    reason, code = end.events[:2]
    assert "no trial" in str(reason)
    assert code == ResourceError.exit_code


def test_heartbeat_limit_is_an_hour_or_five_of_the_longest_epochs() -> None:
    limits = [Heartbeat(longest_epoch_s=value).limit_s for value in (0, 10, 1000)]
    assert limits == [3600, 3600, 5000]
    assert not Heartbeat().is_silent
