"""The gallery's copies of reports: pages without links to other files and without private paths."""

import re
from pathlib import Path

from docs.copy_report import make_gallery_page
from reports.page.publish import write_report
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.quick_figures import write_texts_of_figures

ROOT = Path(__file__).parents[2]


def test_make_gallery_page_leaves_only_links_within_the_page(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    with write_texts_of_figures():
        page = write_report(build_grid(tmp_path / "study", matrices)).read_text(encoding="utf-8")
    links = re.compile(r'<a[^>]* href="(?!#|https:)([^"]*)"')
    assert links.findall(page)
    copied = make_gallery_page(page)
    assert not links.findall(copied)
    assert copied.count("<table") == page.count("<table")
    assert copied.count("<svg") == page.count("<svg") > 0


def test_make_gallery_page_removes_the_folders_of_the_data() -> None:
    page = "<dd>bloodstudy grid --data-file /home/me/cells.npz --data-root=/data/x</dd>"
    expected = "<dd>bloodstudy grid --data-file cells.npz --data-root=x</dd>"
    assert make_gallery_page(page) == expected


def test_pages_of_the_gallery_name_no_folder_of_a_host() -> None:
    pages = [path.read_text(encoding="utf-8") for path in ROOT.glob("docs/gallery/*.html")]
    assert len(pages) == 3
    assert all(make_gallery_page(page) == page for page in pages)
