"""A report's folder holds nothing else."""

from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from reports.page.publish import publish_report
from reports.page.render import PageHeader
from reports.page.report_folder import require_report_folder
from tests.helpers.report_frames import OFFICIAL


def test_require_report_folder_accepts_nothing_and_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    require_report_folder(folder)
    assert not folder.exists()
    folder.mkdir()
    require_report_folder(folder)
    texts = dict.fromkeys(("checklist.md", "methods.md", "references.bib"), "x")
    header = PageHeader(title="t", study="s", data=OFFICIAL, banner=None)
    index = publish_report(folder, header, [], paper_files=texts)
    assert {path.name for path in folder.iterdir()} >= texts.keys()
    content = index.read_bytes()
    require_report_folder(folder)
    assert index.read_bytes() == content


@pytest.mark.parametrize("name", ["notes.txt", "index.html", "figures"])
def test_require_report_folder_with_foreign_files_raises_conflict_error(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConflictError) as caught:
        require_report_folder(tmp_path)
    assert caught.value.path == str(tmp_path)
    assert name in caught.value.problem
    assert caught.value.remedy is not None


def test_require_report_folder_that_is_a_file_raises_conflict_error(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("mine")
    with pytest.raises(ConflictError) as caught:
        require_report_folder(path)
    assert caught.value.path == str(path)
