"""`bloodstudy status`."""

import typer

from study.cli import options
from study.cli.arguments import open_ledger


def status(
    study: options.StudyArgument, *, storage: options.StorageOption = options.DEFAULT_STORAGE
) -> None:
    """Show complete, failed and pending trials, and how to resume.

    The last line has the command that resumes the study, or the path of its report.

    Examples:
      bloodstudy status STUDY
    """
    from study.lifecycle.status import format_status_lines

    for line in format_status_lines(open_ledger(storage, study)):
        typer.echo(line)
