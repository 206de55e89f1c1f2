"""Provide a temporary place for what libraries store in a home folder, if there is none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloodnets.storage.temp_folder import open_temp_folder
from study.runtime.token import (
    TOKEN_PATH_VARIABLE,
    TOKEN_VARIABLE,
    get_default_token_path,
    write_token,
)


@contextmanager
def provide_home() -> Iterator[None]:
    """Use a private temporary folder within the context if the home folder cannot be used.

    A user without a home folder, e.g. of `docker run --user`, gets one. A home folder that is only
    readable is still read, because it can have credentials and data. Only Ray's token and the
    caches of Matplotlib are then stored elsewhere.

    Raises:
        OSError: The temporary folder cannot be created.
    """
    needed_names = list(_list_needed_variables())
    if not needed_names:
        yield
        return
    with open_temp_folder() as folder:
        variables = {name: str(folder) for name in needed_names}
        if TOKEN_PATH_VARIABLE in variables:
            token_path = folder / "auth_token"
            write_token(token_path)
            variables[TOKEN_PATH_VARIABLE] = str(token_path)
        os.environ.update(variables)
        try:
            yield
        finally:
            for name in variables:
                os.environ.pop(name, None)


def _list_needed_variables() -> Iterator[str]:
    """Yield the environment variables, none of which is set, that must name another place."""
    try:
        home = Path.home()
    except RuntimeError:
        yield "HOME"
        return
    if "MPLCONFIGDIR" not in os.environ and not _is_writable(home):
        yield "MPLCONFIGDIR"
    if {TOKEN_VARIABLE, TOKEN_PATH_VARIABLE}.isdisjoint(os.environ) and not _has_usable_token():
        yield TOKEN_PATH_VARIABLE


def _has_usable_token() -> bool:
    """Return whether Ray's default token file can be read, or else created."""
    path = get_default_token_path()
    if os.path.lexists(path):
        return os.access(path, os.R_OK)
    return _is_writable(path.parent if path.parent.is_dir() else path.parent.parent)


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)
