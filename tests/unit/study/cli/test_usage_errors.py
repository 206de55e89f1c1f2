"""Usage errors: Typer's errors with option, value, expected values and remedy."""

from typing import Literal

import pytest
import typer

from bloodnets.errors import DataError
from study.cli.usage_errors import to_data_error


def parse_even(text: str) -> float:
    if int(text) % 2:
        raise DataError.of_value("number", text, "an even number")
    return float(text)


def command(
    *,
    count: int = typer.Option(1, min=1),
    share: float = typer.Option(0.5, "-s", "--share", min=0, max=1),
    color: Literal["red", "blue"] = "red",
    even: float = typer.Option(2.0, parser=parse_even),
    pair: tuple[float, float] = (1.0, 2.0),
) -> None:
    del count, share, color, even, pair


def error_of(*arguments: str) -> DataError:
    app = typer.Typer()
    app.command()(command)
    with pytest.raises(typer.TyperException) as caught:
        app(arguments, prog_name="program", standalone_mode=False)
    return to_data_error(caught.value)


@pytest.mark.parametrize(
    ("arguments", "value", "problem", "expected"),
    [
        (("--count", "0"), 0, "--count is 0", "at least 1"),
        (("--count", "x"), "x", "--count is 'x'", "a whole number, at least 1"),
        (("-s", "1.5"), 1.5, "--share is 1.5", "0 to 1"),
        (("--share", "x"), "x", "--share is 'x'", "a number, 0 to 1"),
        (("--color", "green"), "green", "--color is 'green'", "red or blue"),
        (("--even", "3"), "3", "--even is '3'", "an even number"),
        (("--pair", "1", "x"), "x", "--pair is 'x'", "a number"),
    ],
)
def test_to_data_error_wrong_value_names_option_value_and_expected(
    arguments: tuple[str, ...], value: object, problem: str, expected: str
) -> None:
    error = error_of(*arguments)
    assert (error.value, error.problem, error.expected) == (value, problem, expected)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("--colour", "red"), "did you mean --color"),
        (("--zzz",), "see 'program --help'"),
        (("extra",), "see 'program --help'"),
    ],
)
def test_to_data_error_wrong_usage_has_a_remedy(arguments: tuple[str, ...], remedy: str) -> None:
    error = error_of(*arguments)
    assert str(error.remedy).startswith(remedy)
    assert arguments[0] in error.problem
