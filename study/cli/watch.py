"""`bloodstudy watch`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.storage.location import RemotePath
from study.cli import options
from study.cli.arguments import open_ledger
from study.runtime.signals import raise_interrupts

LIVE_PAGE = "live.html"

OutputOption = Annotated[
    Path | None,
    typer.Option(
        parser=options.parse_path,
        metavar="PATH",
        show_default="live.html in the folder of the study",
        help="File for the page. The default is STUDY-live.html for a remote study.",
        rich_help_panel=options.OUTPUT_PANEL,
    ),
]


def watch(
    study: options.StudyArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    output: OutputOption = None,
) -> None:
    """Write a page that shows a running study, and refresh it until the study ends.

    The page has the state and curve of each trial, the best one so far, failures and
    the time left. The study is only read, so this command can start and stop at any time.

    Examples:
      bloodstudy watch STUDY
      bloodstudy watch STUDY --output ~/live.html
    """
    from reports.page.live_page import require_live_page
    from study.lifecycle.watching import watch_study

    ledger = open_ledger(storage, study)
    page = output
    if page is None:
        is_remote = isinstance(ledger.location, RemotePath)
        page = Path(f"{ledger.name}-{LIVE_PAGE}") if is_remote else ledger.folder / LIVE_PAGE
    require_live_page(page)
    with raise_interrupts():
        watch_study(lambda: open_ledger(storage, study), page=page)
