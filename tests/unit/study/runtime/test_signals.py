"""The error of a study that was interrupted."""

import signal

import pytest

from study.runtime.signals import StudyInterruptedError


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_study_interrupted_error_exit_code_follows_the_signal(number: int, exit_code: int) -> None:
    error = StudyInterruptedError("interrupted", number)
    assert (str(error), error.exit_code) == ("interrupted", exit_code)


def test_study_interrupted_error_with_remedy_keeps_its_exit_code() -> None:
    error = StudyInterruptedError("interrupted", signal.SIGTERM).with_remedy("resume it")
    assert isinstance(error, StudyInterruptedError)
    assert (str(error), error.exit_code) == ("interrupted; resume it", 143)
