"""The gallery's copies of reports: pages that link to no file of the report's folder."""

import re
from pathlib import Path

from docs.copy_report import remove_file_links
from reports.page.publish import write_report
from tests.helpers.grid_builder import build_grid, make_published_matrices


def test_remove_file_links_leaves_only_links_within_the_page(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    page = write_report(build_grid(tmp_path / "study", matrices)).read_text(encoding="utf-8")
    links = re.compile(r'<a[^>]* href="(?!#|https:)([^"]*)"')
    assert links.findall(page)
    copied = remove_file_links(page)
    assert not links.findall(copied)
    assert copied.count("<table") == page.count("<table")
    assert copied.count("<svg") == page.count("<svg")
