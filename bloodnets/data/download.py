"""Download the official BloodMNIST file."""

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
    """Return the path of BloodMNIST's file in `root`, downloading it if it is missing.

    An existing file is not checked; `medmnist.load_file` determines what it contains.

    Args:
        root: Folder of the file; None for the default of medmnist, `~/.medmnist`.

    Raises:
        ResourceError: The file could not be downloaded, or the folder could not be written.
    """
    if root is None:
        root = Path.home() / ".medmnist"
    path = root / BLOODMNIST_FILE
    if os.path.exists(path):  # path.exists raises in a folder without access
        return path
    return download_file(path, url=BLOODMNIST_URL, md5=BLOODMNIST_MD5)


def download_file(path: Path, *, url: str, md5: str) -> Path:
    """Download a file, which appears at `path` only when it is complete and its MD5 matches.

    After a failure or a wrong MD5, the download is retried with increasing delays.

    Args:
        path: Path of the downloaded file; missing parent folders are created.
        url: URL of the file.
        md5: Expected MD5, hexadecimal.

    Raises:
        ResourceError: Every attempt failed; the message gives the cause and the alternatives.
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
        with contextlib.suppress(OSError):  # a folder does not exist or is not empty
            for folder in new_folders:
                folder.rmdir()
        raise ResourceError(
            f"BloodMNIST could not be downloaded ({_describe_cause(error, path.parent)})",
            path=url,
            remedy=f"pass --data-file PATH (a copy of {BLOODMNIST_FILE}), --data-root FOLDER (a "
            f"folder that contains it), or --data synthetic (synthetic cells, no download)",
        ) from error
    with contextlib.suppress(OSError):  # some file systems have no permissions
        path.chmod(0o644)  # instead of the temporary file's 600, for a shared folder
    return path


def _fetch_url(url: str, target_path: str, _store: pooch.Pooch) -> None:
    """Download a file once, with a progress bar in a terminal that disappears at the end.

    Pooch's own downloader leaves the progress bar and the connection of a failed attempt open.
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
    """Return the cause of a failed download in a few words."""
    # The order matters: all errors of requests are OSErrors, most are ConnectionErrors, and some
    # are ValueErrors.
    match error:
        case requests.HTTPError(response=requests.Response(status_code=code)):
            cause = f"the server responded with {code}"
        case requests.exceptions.ProxyError():
            cause = "no connection to the proxy"
        case requests.exceptions.SSLError():
            cause = "the server's certificate cannot be verified"
        case requests.exceptions.ChunkedEncodingError():
            cause = "the connection was cut off"
        case requests.ConnectionError() | requests.Timeout():
            # A timeout while the body is read is wrapped in a ConnectionError.
            timed_out = isinstance(error, requests.Timeout) or isinstance(
                error.__context__, ReadTimeoutError
            )
            cause = (
                f"no response within {DOWNLOAD_TIMEOUT_S:g} s"
                if timed_out
                else "no connection to the server"
            )
        case ValueError() if not isinstance(error, requests.RequestException):
            cause = "the downloaded file has the wrong MD5"
        case OSError(strerror=str(reason)) | OSError(__cause__=OSError(strerror=str(reason))):
            cause = f"{folder} cannot be written: {reason}"
        case _:
            cause = textwrap.shorten(str(error), 100)
    return cause
