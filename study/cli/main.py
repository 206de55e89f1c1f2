"""The Typer app and its entry point: messages and exit codes."""

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.core import TyperGroup

from bloodnets.errors import DataError, ResourceError, StudyError, suggest_names
from study.cli.doctor import doctor
from study.cli.export import export
from study.cli.grid import grid
from study.cli.option_groups import expand_option_groups
from study.cli.predict import predict
from study.cli.replay import replay
from study.cli.report import report
from study.cli.resume import resume
from study.cli.search import search
from study.cli.status import status
from study.runtime.signals import exit_on_sigint

if TYPE_CHECKING:
    from typer._click import Command, Context


class StudyCommands(TyperGroup):
    """The commands; a wrong name is answered with the names that are close to it."""

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """Return the command that the arguments begin with.

        Raises:
            DataError: There is no such command.
        """
        name = args[0]
        if name not in self.commands and not ctx.resilient_parsing:
            raise DataError(
                f"no such command: {name!r}",
                value=name,
                remedy=suggest_names(name, self.commands) or "see 'bloodstudy --help'",
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=StudyCommands,
    help="Train image classifiers on blood cells, and learn which of their differences are real.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def show_program(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version and exit.")
    ] = False,
) -> None:
    """Print the version or, without a command, the help."""
    if version:
        from importlib.metadata import version as read_version

        typer.echo(f"bloodstudy {read_version('bloodstudy')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for typer_command in (grid, search, resume, status, report, predict, export, replay, doctor):
    app.command()(expand_option_groups(typer_command))


def main() -> NoReturn:
    """Run the command; everything that can be foreseen ends in one line and an exit code."""
    signal.signal(signal.SIGINT, exit_on_sigint)
    try:
        # An Abort is not caught: as no command asks a question, an unexpected EOFError caused it.
        exit_code: int = app(prog_name="bloodstudy", standalone_mode=False) or 0
    except typer.TyperException as error:
        from study.cli.usage_errors import to_data_error

        exit_code = _print_error(to_data_error(error))
    except StudyError as error:
        exit_code = _print_error(error)
    except OSError as error:
        exit_code = _print_error(_to_study_error(error))
    except SystemExit as end:  # Typer and rich raise it where nobody reads the output any more
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        exit_code = 128 + signal.SIGPIPE
        _discard_output()
    sys.exit(exit_code)


def _to_study_error(error: OSError) -> StudyError:
    """Return the error of a user's path that is too long, or of output that cannot be written.

    Raises:
        OSError: The error is another one.
    """
    if error.errno == errno.ENAMETOOLONG:
        # Where it is found depends on which path comes first; only a user's path is so long.
        path_error = DataError("a path is too long", path=error.filename, value=error.filename)
        return path_error.with_remedy("choose a shorter one")
    if error.errno == errno.ENOSPC and error.filename is None:
        _discard_output()
        return ResourceError(f"cannot write the output: {error.strerror}")
    raise error


def _discard_output() -> None:
    """Send what Python would still write to standard output when it exits to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _print_error(error: StudyError) -> int:
    """Print an error in one line, although a path may hold a line break; return its exit code."""
    typer.echo(f"bloodstudy: {' '.join(str(error).split())}", err=True)
    return error.exit_code
