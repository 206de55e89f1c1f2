"""The folder of a report: one that holds anything else is not replaced."""

from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError

_REPORT_ENTRIES = {"index.html", "report.md", "tables", "figures"}

_REPORT_TAG = b'<p class="kind">bloodstudy report</p>'


def require_report_folder(folder: Path) -> None:
    """Refuse a folder that a user named and that holds anything but a report of ours.

    Raises:
        ConflictError: it does, or it is a file.
        ResourceError: it cannot be read.
    """
    try:
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        index = folder / "index.html"
        is_report = index.is_file() and _REPORT_TAG in index.read_bytes()
    except NotADirectoryError as error:
        raise ConflictError(
            f"{folder} is a file", path=folder, remedy="choose another --output"
        ) from error
    except OSError as error:
        raise ResourceError(f"cannot read {folder}: {error}", path=folder) from error
    # A folder of tables and figures may be somebody's paper.
    if foreign_names := names - _REPORT_ENTRIES if is_report else names:
        raise ConflictError(
            f"{folder} holds something else than a report ({min(foreign_names)})",
            path=folder,
            remedy="choose another --output",
        )
