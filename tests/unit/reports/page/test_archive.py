"""The archive of a report has every file but the page, and equal bytes for equal files."""

import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from reports.page.archive import ARCHIVE_FILE, find_difference, write_archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index.html", "report.md", "tables/b.csv", "tables/a.csv", "figures/f.png"):
        path = tmp_path / "report" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    write_archive(tmp_path / "report")
    return tmp_path / "report"


def test_write_archive_holds_all_files_but_the_page(folder: Path) -> None:
    with ZipFile(folder / ARCHIVE_FILE) as archive:
        names = archive.namelist()
        assert archive.read("tables/a.csv") == b"tables/a.csv"
    assert names == ["figures/f.png", "report.md", "tables/a.csv", "tables/b.csv"]
    assert find_difference(folder) is None


def test_write_archive_of_equal_files_with_other_dates_gives_equal_bytes(folder: Path) -> None:
    content = (folder / ARCHIVE_FILE).read_bytes()
    os.utime(folder / "report.md", (0, 10**9))
    (folder / "report.md").chmod(0o600)
    write_archive(folder)
    assert (folder / ARCHIVE_FILE).read_bytes() == content


@pytest.mark.parametrize("content", [b"tables/b.csv", b"longer than before", None])
def test_find_difference_of_a_changed_file_returns_its_name(
    folder: Path, content: bytes | None
) -> None:
    path = folder / "tables" / "a.csv"
    path.unlink() if content is None else path.write_bytes(content)
    assert find_difference(folder) == "tables/a.csv"


def test_find_difference_of_a_new_file_returns_its_name(folder: Path) -> None:
    (folder / "tables" / "new.csv").write_bytes(b"")
    assert find_difference(folder) == "tables/new.csv"
