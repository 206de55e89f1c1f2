"""Copy a study's report into the gallery, as one file.

`python -m docs.copy_report results/NAME/report docs/gallery/grid.html`. The page itself holds all
that it shows. The files of its tables and figures are not copied, so the links to them are removed.
So are the folders in the command of the study, which are private.
"""

import argparse
import re
from pathlib import Path

_FILE_LINKS = re.compile(r'\s*<(span|p) class="(?:figure-)?files">.*?</\1>', re.DOTALL)
_FOLDERS = re.compile(r"(?<=--data-file[ =]|--data-root[ =])[^\s<]*/")


def make_gallery_page(page: str) -> str:
    """Return a report's HTML without links to other files and without folders of the host."""
    return _FOLDERS.sub("", _FILE_LINKS.sub("", page))


def main() -> None:
    """Read the report, and write the page of the gallery."""
    parser = argparse.ArgumentParser(prog="python -m docs.copy_report", description=__doc__)
    parser.add_argument("report", type=Path, help="folder of a report")
    parser.add_argument("page", type=Path, help="HTML file to write")
    options = parser.parse_args()
    page = (options.report / "index.html").read_text(encoding="utf-8")
    options.page.write_text(make_gallery_page(page), encoding="utf-8")


if __name__ == "__main__":
    main()
