"""Clusters that do not answer."""

import socket
from pathlib import Path

import pytest

from bloodnets.errors import ResourceError
from study.runtime.connection import check_reachable


def test_check_reachable_closed_port_gives_an_error_with_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # for Ray's token
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ResourceError) as caught:
            check_reachable(address)
    assert caught.value.path == address
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
