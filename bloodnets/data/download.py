"""Fetch the official BloodMNIST file, once."""

import contextlib
import logging
import os
import textwrap
from pathlib import Path

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import ReadTimeoutError

from bloodnets.constants import BLOODMNIST_MD5, BLOODMNIST_URL
from bloodnets.errors import ResourceError

BLOODMNIST_FILE = "bloodmnist.npz"
MAX_RETRIES = 3
DOWNLOAD_TIMEOUT_S = 30.0


def ensure_official_file(root: Path | None) -> Path:
    """BloodMNIST's file under `root`, downloaded if it is not there.

    A file that is there already is returned as it is: `medmnist.load_file` says what it holds.

    Args:
        root: the folder; None for medmnist's own, `~/.medmnist`.

    Raises:
        ResourceError: it could not be downloaded, or the folder could not be written.
    """
    if root is None:
        root = Path.home() / ".medmnist"
    path = root / BLOODMNIST_FILE
    if os.path.exists(path):  # not path.exists, which raises in a folder that is closed to us
        return path
    return download_file(path, url=BLOODMNIST_URL, md5=BLOODMNIST_MD5)


def download_file(path: Path, *, url: str, md5: str) -> Path:
    """Download `url` to `path`, which appears only when it is whole and its MD5 is right.

    Tries again, a little later each time, after a failure or a wrong MD5.

    Raises:
        ResourceError: no try succeeded; the message gives the cause and the ways on.
    """
    new_folders = [folder for folder in path.parents if not os.path.exists(folder)]
    pooch.get_logger().setLevel(logging.ERROR)
    store = pooch.create(
        path.parent,
        base_url="",
        registry={path.name: f"md5:{md5}"},
        urls={path.name: url},
        retry_if_failed=MAX_RETRIES,
    )
    try:
        store.fetch(path.name, downloader=_fetch_url)
    except (requests.RequestException, OSError, ValueError) as error:
        with contextlib.suppress(OSError):  # of a folder that was not made, or is used by now
            for folder in new_folders:
                folder.rmdir()
        raise ResourceError(
            f"BloodMNIST could not be downloaded ({_describe_cause(error, path.parent)})",
            path=url,
            remedy=f"use --data-file PATH (a copy of {BLOODMNIST_FILE}), --data-root FOLDER (a "
            f"folder that holds it), or --data synthetic (synthetic cells, no download)",
        ) from error
    with contextlib.suppress(OSError):  # some file systems have no permissions
        path.chmod(0o644)  # not the temporary file's 600: the folder may be shared
    return path


def _fetch_url(url: str, target_path: str, _store: pooch.Pooch) -> None:
    """One try, with a bar that only a terminal sees and that is gone at the end.

    Pooch's own leaves a failed try's bar and connection open.
    """
    with (
        requests.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT_S) as response,
        Path(target_path).open("wb") as target,
        tqdm(desc=BLOODMNIST_FILE, unit="B", unit_scale=True, leave=False, disable=None) as bar,
    ):
        response.raise_for_status()
        bar.total = int(response.headers.get("Content-Length", 0)) or None
        for chunk in response.iter_content(2**16):
            target.write(chunk)
            bar.update(len(chunk))


def _describe_cause(error: Exception, folder: Path) -> str:
    """The reason in a few words."""
    # The order matters: requests' errors are OSErrors, some are ValueErrors, most ConnectionErrors.
    match error:
        case requests.HTTPError(response=requests.Response(status_code=code)):
            cause = f"the server answered {code}"
        case requests.exceptions.ProxyError():
            cause = "no connection to the proxy"
        case requests.exceptions.SSLError():
            cause = "the server's certificate cannot be verified"
        case requests.exceptions.ChunkedEncodingError():
            cause = "the connection was cut off"
        case requests.ConnectionError() | requests.Timeout():
            # While the body is read, a timeout comes wrapped in a ConnectionError.
            timed_out = isinstance(error, requests.Timeout) or isinstance(
                error.__context__, ReadTimeoutError
            )
            cause = (
                f"no answer within {DOWNLOAD_TIMEOUT_S:g} s"
                if timed_out
                else "no connection to the server"
            )
        case ValueError() if not isinstance(error, requests.RequestException):
            cause = "what arrived has the wrong MD5"
        case OSError(strerror=str(reason)) | OSError(__cause__=OSError(strerror=str(reason))):
            cause = f"{folder} cannot be written: {reason}"
        case _:
            cause = textwrap.shorten(str(error), 100)
    return cause
