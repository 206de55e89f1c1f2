"""Where caches and Ray's token are stored if the home folder cannot be used."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

import pytest

from study.runtime.home import provide_home

NAMES = ("HOME", "MPLCONFIGDIR", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@pytest.fixture(autouse=True)
def no_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables, and the user's entry in the list of users."""
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that its old value is restored after the test
        monkeypatch.delenv(name)

    def find_nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", find_nobody)


def read_variables() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def find_variables(**variables: str) -> Mapping[str, str]:
    """Return what `provide_home` sets if these variables are set before."""
    os.environ.update(variables)
    with provide_home():
        return {name: value for name, value in read_variables().items() if name not in variables}


def test_provide_home_without_a_home_folder_gives_a_private_one() -> None:
    with provide_home():
        home = Path.home()
        assert home.stat().st_mode & 0o777 == 0o700
        assert read_variables() == {"HOME": str(home)}
    assert not home.exists()
    assert read_variables() == {}


def test_provide_home_with_a_writable_home_folder_changes_nothing(tmp_path: Path) -> None:
    assert find_variables(HOME=str(tmp_path)) == {}


def test_provide_home_with_an_unusable_home_folder_moves_the_token_and_the_cache(
    tmp_path: Path,
) -> None:
    home = tmp_path / "missing"
    os.environ["HOME"] = str(home)
    with provide_home():
        variables = read_variables()
        token_path = Path(variables["RAY_AUTH_TOKEN_PATH"])
        assert token_path.stat().st_mode & 0o777 == 0o600
        assert len(token_path.read_text()) == 64
        assert Path(variables["MPLCONFIGDIR"]).is_dir()
        assert variables["HOME"] == str(home)
    assert read_variables() == {"HOME": str(home)}
    assert not token_path.exists()


def test_provide_home_with_variables_of_the_user_keeps_them(tmp_path: Path) -> None:
    home = str(tmp_path / "missing")
    assert find_variables(HOME=home, MPLCONFIGDIR="m", RAY_AUTH_TOKEN_PATH="t") == {}
    del os.environ["RAY_AUTH_TOKEN_PATH"]
    assert find_variables(HOME=home, MPLCONFIGDIR="m", RAY_AUTH_TOKEN="t") == {}


def test_provide_home_with_an_unreadable_token_moves_only_the_token(tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir()
    # Root can read every file, but not one at the end of a broken link.
    (tmp_path / ".ray" / "auth_token").symlink_to(tmp_path / "missing")
    assert find_variables(HOME=str(tmp_path)).keys() == {"RAY_AUTH_TOKEN_PATH"}
