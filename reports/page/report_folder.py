"""Check the folder of a report: a folder with other files is not replaced."""

from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from reports.page.archive import ARCHIVE_FILE

_REPORT_ENTRIES = {
    "index.html",
    "report.md",
    "checklist.md",
    "methods.md",
    "references.bib",
    ARCHIVE_FILE,
    "tables",
    "figures",
}

_REPORT_TAG = b'<meta name="generator" content="bloodstudy report">'


def require_report_folder(folder: Path) -> None:
    """Raise an error if `folder` holds anything other than a report.

    Raises:
        ConflictError: The folder holds other files, or it is a file.
        ResourceError: The folder cannot be read.
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
    # Without our page, a folder with `tables` and `figures` may be the user's own work.
    if foreign_names := names - _REPORT_ENTRIES if is_report else names:
        raise ConflictError(
            f"{folder} holds files other than a report, e.g. {min(foreign_names)}",
            path=folder,
            remedy="choose another --output",
        )
