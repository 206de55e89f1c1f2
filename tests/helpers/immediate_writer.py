"""Writer without a thread, so that a test sees what was written, and in which order."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from study.tuning import ledger_writer, optuna_file
from study.tuning.background_writer import BackgroundWriter


class ImmediateWriter(BackgroundWriter):
    """Writer that runs each operation at once, in the thread of its caller."""

    def submit(
        self, write: Callable[[], Any], on_written: Callable[[Any], None] | None = None
    ) -> Future[Any]:
        future = Future[Any]()
        future.set_result(write())
        if on_written is not None:
            on_written(future.result())
        return future


def write_immediately(patch: pytest.MonkeyPatch) -> None:
    """Let the files of studies be written without threads."""
    for module in (ledger_writer, optuna_file):
        patch.setattr(module, "BackgroundWriter", ImmediateWriter)
