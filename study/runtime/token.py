"""Keep Ray's token private; anyone who has it can run programs on the cluster."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

TOKEN_VARIABLE = "RAY_AUTH_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_PATH_VARIABLE = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - the name of a variable


def ensure_private_token() -> bool:
    """Make Ray's token file readable only by its owner; return whether others could read it before.

    Ray uses an existing file, but would itself create one that every user of this host can read. A
    file that the user names is not created, because it should have the token of a cluster.
    """
    if TOKEN_VARIABLE in os.environ:
        return False
    named_path = os.environ.get(TOKEN_PATH_VARIABLE)
    token_path = Path(named_path) if named_path else get_default_token_path()
    with suppress(OSError):  # the folder is not writable, or another user owns the file
        if not named_path and not token_path.exists():
            token_path.parent.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileExistsError):  # another process was faster
                write_token(token_path)
        if token_path.stat().st_mode & 0o077:
            token_path.chmod(0o600)
            return True
    return False


def get_default_token_path() -> Path:
    """Return the path at which Ray stores its token unless an environment variable names another.

    Raises:
        RuntimeError: This user has no home folder.
    """
    return Path.home() / ".ray" / "auth_token"


def write_token(path: Path) -> None:
    """Write a new token that only this user can read.

    Raises:
        OSError: The file exists or cannot be written; an incomplete file is removed.
    """
    file_descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file_descriptor, "w") as token_file:
            token_file.write(secrets.token_hex(32))
    except OSError:  # e.g. the disk is full; Ray would fail with an empty token from now on
        path.unlink()
        raise
