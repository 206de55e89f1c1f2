"""Ray's token is private, wherever it is."""

import os
from pathlib import Path

import pytest

from study.runtime.token import ensure_private_token, write_token


def test_ensure_private_token_of_a_named_file_makes_it_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    path = tmp_path / "token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    assert not ensure_private_token()
    assert list(tmp_path.iterdir()) == []  # it should have the token of a cluster
    path.write_text("secret")
    path.chmod(0o644)
    assert ensure_private_token()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not ensure_private_token()


def test_ensure_private_token_in_the_environment_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert not ensure_private_token()
    assert list(tmp_path.iterdir()) == []


def test_write_token_on_a_full_disk_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *rest: (open_file(path, *rest), open_file("/dev/full", 1))[1]
    )
    with pytest.raises(OSError, match="No space"):
        write_token(tmp_path / "token")
    assert list(tmp_path.iterdir()) == []
