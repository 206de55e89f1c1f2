"""Ctrl-C and SIGTERM both end a study in an orderly way, each with its own exit code."""

import signal
from types import FrameType

from bloodnets.errors import StudyError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StudyInterruptedError(StudyError):
    """A study was asked to stop, and what it had is kept.

    Attributes:
        exit_code: 128 plus the signal's number: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Interrupts:
    """Turns SIGINT and SIGTERM into `KeyboardInterrupt`, and remembers which it was.

    Always that exception, and the signal kept beside it, because Ray's C++ parts let no other
    exception of a signal handler through, and make a new one of this.

    Attributes:
        number: of the last signal received.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        for number in SIGNALS:
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        raise KeyboardInterrupt
