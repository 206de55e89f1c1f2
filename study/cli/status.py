"""`bloodstudy status`."""

from typing import Annotated

import typer

from study.cli import options
from study.cli.arguments import open_ledger
from study.runtime.signals import raise_interrupts


def status(
    study: options.StudyArgument,
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

    The last line has the command that resumes the study, or the path of its report.

    Examples:
      bloodstudy status STUDY
      bloodstudy status STUDY --watch
    """
    if watch:
        from study.lifecycle.watching import watch_study

        with raise_interrupts():
            watch_study(lambda: open_ledger(storage, study))
        return
    from study.lifecycle.status import format_status_lines

    for line in format_status_lines(open_ledger(storage, study)):
        typer.echo(line)
