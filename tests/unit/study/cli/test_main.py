"""The command line: what it imports, and what it says to wrong options."""

import re
from importlib.metadata import version
from textwrap import indent

import pytest
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from study.cli.main import app
from tests.helpers.cli_runs import RunMain
from tests.helpers.imports import RUN_COMMAND, list_heavy_imports


def test_main_help_imports_nothing_heavy() -> None:
    command = indent(RUN_COMMAND, "    ")
    code = f"for sys.argv[1:] in [], ['--version'], ['--help'], ['grid', '--help']:{command}"
    assert list_heavy_imports(code) == set()


def test_app_without_arguments_prints_help_and_exits_0() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    assert done.stderr == ""
    assert "grid" in done.stdout
    assert "report" in done.stdout


def test_app_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout == f"bloodstudy {version('bloodstudy')}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["status", "a" * 300],
        ["status", "a" * 5000],
        ["grid", "--data", "synthetic", "--dry-run", "--storage", "a" * 300],
    ],
)
def test_main_path_too_long_exits_2_in_one_line(words: list[str], run_main: RunMain) -> None:
    outcome = run_main(*words)
    assert outcome.code == 2
    assert outcome.stderr.startswith("bloodstudy: ")
    assert len(outcome.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "value"), [(["gird"], "grid"), (["train"], "--help"), (["report"], "--help")]
)
def test_main_wrong_usage_exits_2_with_a_remedy(
    words: list[str], value: str, run_main: RunMain
) -> None:
    outcome = run_main(*words)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert value in outcome.stderr
    assert outcome.stderr.count("\n") == 1


COMMANDS = (
    *("grid", "search", "resume"),
    *("list", "status", "compare", "ensemble", "report"),
    *("predict", "export", "export-runs", "replay", "doctor"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_at_80_columns_cuts_no_option(command: str) -> None:
    short, long = (
        CliRunner().invoke(app, [command, flag], env={"COLUMNS": "80"}) for flag in ("-h", "--help")
    )
    assert long.exit_code == 0
    assert short.stdout == long.stdout
    assert max(map(len, long.stdout.splitlines())) <= 80
    assert "…" not in long.stdout.replace("(0, 1, …)", "")
    declared = set(re.findall(r"--[a-z0-9-]+", wide_help(command)))
    assert declared
    assert declared <= set(re.findall(r"--[a-z0-9-]+", long.stdout))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_indented_examples_and_no_python_types(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80"}).stdout
    _, _, after = shown.partition("\n Examples:")
    examples, _, _ = after.partition("╭")
    lines = [line.rstrip() for line in examples.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 3
    assert all(line.startswith(f"   bloodstudy {command}") for line in lines)
    for type_name in ("<bool>", "<str>", "<list["):
        assert type_name not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_parameter_ends_with_a_period(command: str) -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    for parameter in group.commands[command].params:
        assert isinstance(parameter, (TyperArgument, TyperOption))
        assert (parameter.help or "").endswith("."), parameter.name


def wide_help(command: str) -> str:
    return CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"}).stdout


def test_help_of_grid_and_search_shows_shared_options_in_the_same_panels() -> None:
    for panel in ("Data", "Model and training", "Study", "Resources", "Output"):
        assert f"─ {panel} ─" in wide_help("grid")
        assert f"─ {panel} ─" in wide_help("search")
