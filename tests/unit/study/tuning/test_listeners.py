"""What is told how trials go has the methods that the protocols name."""

import inspect

import pytest

from study.console.grid_progress import GridProgress
from study.console.search_progress import SearchProgress
from study.tuning.listeners import SearchListener, TrialListener


@pytest.mark.parametrize(
    ("protocol", "listener"),
    [
        (TrialListener, GridProgress),
        (TrialListener, SearchProgress),
        (SearchListener, SearchProgress),
    ],
)
def test_listeners_progress_displays_have_every_method(protocol: type, listener: type) -> None:
    names = [name for name in dir(protocol) if name.startswith("on_")]
    assert "on_trial_end" in names
    for name in names:
        expected = inspect.signature(getattr(protocol, name)).parameters
        found = inspect.signature(getattr(listener, name)).parameters
        assert [*found] == [*expected]
        assert [p.kind for p in found.values()] == [p.kind for p in expected.values()]
