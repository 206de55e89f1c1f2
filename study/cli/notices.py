"""Print lines about skipped files and other events to stderr."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from study.datasets.preparation_record import PreparationRecord


def print_skipped(line: str) -> None:
    """Print to stderr what is skipped, and why."""
    print_message("skipped", line)


def print_message(kind: str, line: str) -> None:
    """Print a line to stderr, after its kind, e.g. `warning`."""
    from study.console.format import make_printable

    # Rich replaces sys.stderr while it shows a status, so that lines appear above the status.
    typer.echo(f"bloodstudy: {kind}: {make_printable(line)}", file=sys.stderr)


def print_unused_files(record: "PreparationRecord") -> None:
    """Print to stderr which files of a folder are not in its data file."""
    from study.datasets import preparation_output

    if left_out := preparation_output.format_left_out(record):
        print_message("left out", left_out)
    for line in preparation_output.format_skipped_lines(record):
        print_skipped(line)
