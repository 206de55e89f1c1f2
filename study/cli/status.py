"""`bloodstudy status`."""

from typing import Annotated

import typer

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.location import parse_location
from study.cli import options
from study.cli.arguments import open_ledger
from study.cli.completion import complete_study_names
from study.runtime.signals import raise_interrupts


def status(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            callback=options.require_text,
            show_default="all studies in --storage",
            help="Name of a study in --storage, or path to its folder.",
            autocompletion=complete_study_names,
        ),
    ] = None,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Refresh every few seconds until the study ends. Ctrl-C does not stop the study.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """Show complete, failed and pending trials, and how to resume.

    Without STUDY, list the studies in --storage, one per line.

    Examples:
      bloodstudy status
      bloodstudy status STUDY
      bloodstudy status STUDY --watch
    """
    if study is None and watch:
        raise DataError("--watch requires STUDY", remedy="name a study")
    if study is None:
        _list_studies(storage)
        return
    if watch:
        from study.lifecycle.watching import watch_study

        with raise_interrupts():
            watch_study(lambda: open_ledger(storage, study))
        return
    from study.lifecycle.status import format_status_lines

    for line in format_status_lines(open_ledger(storage, study)):
        typer.echo(line)


def _list_studies(storage: str) -> None:
    """Print one line per study; exit with code 1 if a study cannot be read."""
    from reports.ledger.ledger import Ledger
    from study.lifecycle.status import format_summary, list_study_names

    storage_root, failed = parse_location(storage), False
    for name in list_study_names(storage_root):
        try:
            typer.echo(format_summary(Ledger(storage_root / name)))
        except ConflictError as error:
            typer.echo(f"bloodstudy: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)
