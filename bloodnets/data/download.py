"""Download a file of MedMNIST."""

import contextlib
import logging
import os
import textwrap
from functools import partial
from pathlib import Path

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import ReadTimeoutError

from bloodnets.data.npy_header import MAX_ARRAY_BYTES
from bloodnets.errors import DataError, ResourceError
from bloodnets.medmnist_sets import MedMnistFile

MAX_RETRIES = 3
DOWNLOAD_TIMEOUT_S = 30.0


def get_medmnist_path(file: MedMnistFile, root: Path | None) -> Path:
    """Return the path of a file of MedMNIST, which may not exist.

    Args:
        file: File of MedMNIST.
        root: Folder of the file; None for the default of medmnist, `~/.medmnist`.
    """
    return (root or Path.home() / ".medmnist") / file.file_name


def ensure_medmnist_file(file: MedMnistFile, root: Path | None) -> Path:
    """Return the path of a file of MedMNIST, downloading it if it is missing.

    An existing file is not checked; `medmnist.load_file` determines what it contains.

    Args:
        file: File of MedMNIST.
        root: Folder of the file; None for the default of medmnist, `~/.medmnist`.

    Raises:
        DataError: The images are too large for `medmnist.load_file`.
        ResourceError: The file could not be downloaded, or the folder could not be written.
    """
    if (size_bytes := file.largest_array_bytes) > MAX_ARRAY_BYTES:
        raise DataError(
            f"--data {file.option} takes {size_bytes / 2**30:.1f} GiB of memory per split",
            value=size_bytes,
            expected=f"at most {MAX_ARRAY_BYTES / 2**30:.0f} GiB",
            remedy="use a smaller side",
        )
    path = get_medmnist_path(file, root)
    if os.path.exists(path):  # path.exists raises in a folder without access
        return path
    return download_file(path, url=file.url, md5=file.md5, title=file.title)


def download_file(path: Path, *, url: str, md5: str, title: str) -> Path:
    """Download a file, which appears at `path` only when it is complete and its MD5 matches.

    After a failure or a wrong MD5, the download is retried with increasing delays.

    Args:
        path: Path of the downloaded file; missing parent folders are created.
        url: URL of the file.
        md5: Expected MD5, hexadecimal.
        title: Name of the data, used in messages.

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
        store.fetch(path.name, downloader=partial(_fetch_url, name=path.name))
    except (requests.RequestException, OSError, ValueError) as error:
        with contextlib.suppress(OSError):  # a folder does not exist or is not empty
            for folder in new_folders:
                folder.rmdir()
        raise ResourceError(
            f"{title} could not be downloaded ({_describe_cause(error, path.parent)})",
            path=url,
            remedy=f"pass --data-file PATH (a copy of {path.name}), --data-root FOLDER (a "
            f"folder that contains it), or --data synthetic (synthetic cells, no download)",
        ) from error
    with contextlib.suppress(OSError):  # some file systems have no permissions
        path.chmod(0o644)  # instead of the temporary file's 600, for a shared folder
    return path


def _fetch_url(url: str, target_path: str, _store: pooch.Pooch, *, name: str) -> None:
    """Download a file once, with a progress bar in a terminal that disappears at the end.

    Pooch's own downloader leaves the progress bar and the connection of a failed attempt open.
    """
    with (
        requests.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT_S) as response,
        Path(target_path).open("wb") as target,
        tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=None) as bar,
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
