"""The Typer app and its entry point: messages and exit codes."""

import signal
import sys
from typing import NoReturn

import typer

from bloodnets.errors import StudyError
from study.cli.doctor import doctor
from study.cli.export import export
from study.cli.grid import grid
from study.cli.predict import predict
from study.cli.replay import replay
from study.cli.report import report
from study.cli.resume import resume
from study.cli.search import search
from study.cli.status import status
from study.runtime.signals import exit_on_sigint

app = typer.Typer(
    help="Train image classifiers on blood cells, and learn which of their differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


for typer_command in (grid, search, resume, status, report, predict, export, replay, doctor):
    app.command()(typer_command)


def main() -> NoReturn:
    """Entry point: one line and an exit code for everything that can be foreseen."""
    signal.signal(signal.SIGINT, exit_on_sigint)
    try:
        app()
    except StudyError as error:
        one_line = " ".join(str(error).split())  # a path may hold a line's end
        typer.echo(f"bloodstudy: {one_line}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)
