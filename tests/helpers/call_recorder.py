"""Record the first calls of this project's functions in order, with `sys.setprofile`.

Module code, class bodies, the functions that they call, and generated methods do not count.
Lambdas and comprehensions belong to their function.

Each process that is recorded imports this module first, so it imports nothing but the standard
library.
"""

import inspect
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bloodnets", "reports", "study")

SETTINGS_VARIABLE = "BLOODSTUDY_TRACE"
"""Environment variable with the recording's folder, first and last function, as JSON."""


class Call(NamedTuple):
    """Function that was called.

    Attributes:
        file: Path from the root of the repository.
        function: Qualified name.
    """

    file: str
    function: str


class Event(NamedTuple):
    """Event that a process records.

    Attributes:
        kind: "call" for a first call; "start" and "end" for the ends of the path to follow.
        is_main: Whether the main thread called the function.
        call: Function that was called.
    """

    kind: str
    is_main: bool
    call: Call


class Recorder:
    """Profile function that records the first call of each function.

    The first call of `start` resets which functions count as already called.

    Attributes:
        events: Events so far, in order.
    """

    def __init__(self, root: Path, packages: Sequence[str], *, start: str, end: str) -> None:
        """Record the functions in `packages`, which are folders in `root`.

        Args:
            root: Folder to which file paths are relative.
            packages: Names of the folders.
            start: Qualified name of the function that begins the path to follow; "" for none.
            end: Qualified name of the function whose return ends the path.
        """
        self.events: list[Event] = []
        self._prefixes = tuple(f"{root / package}{os.sep}" for package in packages)
        self._root, self._start, self._end = root, start, end
        self._seen: set[tuple[bool, Call]] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Handle an event of `sys.setprofile`."""
        code = frame.f_code
        if event not in ("call", "return") or not self._is_function(code):
            return
        call = Call(os.path.relpath(code.co_filename, self._root), code.co_qualname)
        is_main = threading.get_ident() == threading.main_thread().ident
        if event == "return":
            if call.function == self._end:
                self.add(Event("end", is_main, call))
            return
        if call.function == self._start and not any(e.kind == "start" for e in self.events):
            self._seen.clear()
            self.add(Event("start", is_main, call))
        if (is_main, call) not in self._seen and not self._is_importing(frame):
            self._seen.add((is_main, call))
            self.add(Event("call", is_main, call))

    def add(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def _is_function(self, code: CodeType) -> bool:
        return (
            code.co_filename.startswith(self._prefixes)
            and code.co_filename.endswith(".py")
            and bool(code.co_flags & inspect.CO_OPTIMIZED)  # neither a module nor a class body
            and not code.co_name.startswith("<")
        )

    def _is_importing(self, frame: FrameType) -> bool:
        """Return whether a module of this project called the function while it was imported."""
        caller = frame.f_back
        while caller is not None:
            code = caller.f_code
            if code.co_name == "<module>" and code.co_filename.startswith(self._prefixes):
                return True
            caller = caller.f_back
        return False


class FileRecorder(Recorder):
    """Recorder that appends each event to a file at once, because a process may be killed."""

    def __init__(self, path: Path, *, start: str, end: str) -> None:
        """Record this project's functions.

        Args:
            path: File to append to.
            start: Qualified name of the function that begins the path; see `Recorder`.
            end: Qualified name of the function that ends the path; see `Recorder`.
        """
        super().__init__(ROOT, PACKAGES, start=start, end=end)
        self._path = path

    def add(self, event: Event) -> None:
        """Keep an event, and append it to the file."""
        super().add(event)
        with self._path.open("a") as file:
            file.write(json.dumps(event) + "\n")


def record_this_process() -> None:
    """Record this process from now on; `sitecustomize` calls this, also in workers."""
    folder, start, end = json.loads(os.environ[SETTINGS_VARIABLE])
    recorder = FileRecorder(Path(folder) / f"{os.getpid()}.jsonl", start=start, end=end)
    threading.setprofile(recorder)
    sys.setprofile(recorder)


def read_events(path: Path) -> list[Event]:
    """Read what a `FileRecorder` wrote."""
    rows = map(json.loads, path.read_text().splitlines())
    return [Event(kind, is_main, Call(*call)) for kind, is_main, call in rows]
