"""Pack the files of a report into one archive, which equal reports have byte for byte."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ARCHIVE_FILE = "report.zip"

_LEFT_OUT = {ARCHIVE_FILE, "index.html"}
"""The reader of the link has the page, which has a copy of every figure."""


def write_archive(folder: Path) -> None:
    """Write `report.zip` with every file of a report except the page.

    Args:
        folder: Folder of a complete report.
    """
    with ZipFile(folder / ARCHIVE_FILE, "w") as archive:
        for name, path in sorted(_find_files(folder).items()):
            # Without a date, `ZipInfo` has that of 1980, so that equal files give equal archives.
            member = ZipInfo(name)
            member.compress_type = ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, path.read_bytes())


def find_difference(folder: Path) -> str | None:
    """Return the first name under which the archive of a report has other contents than its folder.

    Args:
        folder: Folder of a report.

    Returns:
        Path in the report; None if there is no difference.

    Raises:
        OSError: A file cannot be read.
        BadZipFile: The archive is damaged.
    """
    files = _find_files(folder)
    with ZipFile(folder / ARCHIVE_FILE) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        for name in sorted({*files, *sizes}):
            # A member of another size is not read, because it may be too large for the memory.
            if name not in files or sizes.get(name) != files[name].stat().st_size:
                return name
            if archive.read(name) != files[name].read_bytes():
                return name
    return None


def _find_files(folder: Path) -> dict[str, Path]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path
        for name, path in paths.items()
        if path.is_file() and not path.name.startswith(".") and name not in _LEFT_OUT
    }
