"""The Typer app and its entry point, with messages and exit codes."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from bloodnets.errors import DataError, ResourceError, StudyError, suggest_names
from study.cli.compare import compare
from study.cli.doctor import doctor
from study.cli.ensemble import ensemble
from study.cli.export import export
from study.cli.export_runs import export_runs
from study.cli.grid import grid
from study.cli.list import list_studies
from study.cli.option_groups import expand_option_groups
from study.cli.predict import predict
from study.cli.prepare import prepare
from study.cli.replay import replay
from study.cli.report import report
from study.cli.resume import resume
from study.cli.search import search
from study.cli.status import status
from study.cli.watch import watch
from study.console.streams import prepare_streams
from study.runtime.environment import prepare_environment
from study.runtime.home import provide_home
from study.runtime.signals import exit_on_signals

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter


class StudyCommand(TyperCommand):
    """A command whose help shows no Python types."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the arguments and options, including `--help`."""
        return _hide_types(super().get_params(ctx))


class StudyCommands(TyperGroup):
    """The group of all commands, which suggests similar names for an unknown one."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the options, including `--help`."""
        return _hide_types(super().get_params(ctx))

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """Return the command that the first argument names.

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


def _hide_types(parameters: "list[Parameter]") -> "list[Parameter]":
    """Return the parameters without `<bool>` after a flag and `<str>` after an argument."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            vars(parameter).update(metavar="")
        elif isinstance(parameter, TyperArgument):
            # Typer has no setting that hides the type of an argument.
            vars(parameter).update(display_type_rich=lambda ctx: None)
    return parameters


HELP = """Train blood cell classifiers and test which differences are significant.

Every study is saved in a folder, with all its trials and a report.

Examples:
  bloodstudy grid --data synthetic --config mlnn-config-1 --max-epochs 1
  bloodstudy list
  bloodstudy grid --help
"""

app = typer.Typer(
    cls=StudyCommands,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def show_program(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Print the version, or the help if no command is given."""
    if version:
        from importlib.metadata import version as read_version

        typer.echo(f"bloodstudy {read_version('bloodstudy')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


COMMANDS: Mapping[str, Callable[..., None]] = {
    "prepare": prepare,
    "grid": grid,
    "search": search,
    "resume": resume,
    "list": list_studies,
    "status": status,
    "watch": watch,
    "compare": compare,
    "ensemble": ensemble,
    "report": report,
    "predict": predict,
    "export": export,
    "export-runs": export_runs,
    "replay": replay,
    "doctor": doctor,
}
for command_name, function in COMMANDS.items():
    app.command(command_name, cls=StudyCommand)(expand_option_groups(function))


def main() -> NoReturn:
    """Run the command; an expected error ends in one line and an exit code."""
    prepare_streams()
    prepare_environment()
    exit_on_signals()
    try:
        # An Abort is not caught. No command prompts, so an unexpected EOFError must have caused it.
        with provide_home():
            exit_code: int = app(prog_name="bloodstudy", standalone_mode=False) or 0
    except typer.TyperException as error:
        from study.cli.usage_errors import to_data_error

        exit_code = _print_error(to_data_error(error))
    except StudyError as error:
        exit_code = _print_error(error)
    except OSError as error:
        exit_code = _print_error(_to_study_error(error))
    except SystemExit as end:  # raised by Typer and rich if the reader of the output is gone
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        exit_code = 128 + signal.SIGPIPE
        _discard_output()
    sys.exit(exit_code)


def _to_study_error(error: OSError) -> StudyError:
    """Return the error about a path that is too long, or about output that cannot be written.

    Raises:
        OSError: The error has another cause.
    """
    if error.errno == errno.ENAMETOOLONG:
        # Only a path that the user gave can be so long.
        path_error = DataError("the path is too long", path=error.filename, value=error.filename)
        return path_error.with_remedy("choose a shorter path")
    if error.errno == errno.ENOSPC and error.filename is None:
        _discard_output()
        return ResourceError(f"cannot write to standard output: {error.strerror}")
    raise error


def _discard_output() -> None:
    """Redirect standard output to the null device, because Python still flushes it on exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _print_error(error: StudyError) -> int:
    """Print an error in one line, even if a path has a line break, and return its exit code."""
    typer.echo(f"bloodstudy: {' '.join(str(error).split())}", err=True)
    return error.exit_code
