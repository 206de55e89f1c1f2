"""Options with a text that is empty or malformed."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bloodnets.errors import ConflictError, DataError
from study.cli.main import app
from study.cli.options import parse_duration_s, parse_path
from study.cli.usage_errors import to_data_error
from study.runtime.environment import RAY_ADDRESS
from tests.helpers.cli_runs import parse_config


def invoke(*arguments: str) -> DataError:
    """Return the error with which a command refuses its options."""
    error = CliRunner().invoke(app, arguments, standalone_mode=False).exception
    return error if isinstance(error, DataError) else _convert(error)


def _convert(error: BaseException | None) -> DataError:
    assert isinstance(error, typer.TyperException)
    return to_data_error(error)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("grid", "--data-file", ""), "--data-file"),
        (("search", "--data-root", " "), "--data-root"),
        (("resume", "x", "--data-file", ""), "--data-file"),
        (("report", "x", "--output", ""), "--output"),
        (("export", "x", "--output", ""), "--output"),
    ],
)
def test_app_empty_path_names_the_option(arguments: tuple[str, ...], option: str) -> None:
    error = invoke(*arguments)
    assert error.problem.startswith(option)
    assert error.value == arguments[-1]
    assert error.expected == "a path"


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("status", "x", "--storage", ""), "--storage"),
        (("grid", "--storage", " "), "--storage"),
        (("grid", "--address", ""), "--address"),
        (("resume", "x", "--address", ""), "--address"),
        (("status", ""), "STUDY"),
        (("report", "x", " "), "STUDY"),
        (("resume", ""), "STUDY"),
        (("predict", "x", ""), "IMAGE"),
    ],
)
def test_app_empty_option_raises(arguments: tuple[str, ...], option: str) -> None:
    assert option in invoke(*arguments).problem


@pytest.mark.parametrize("command", ["grid", "search"])
@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("chestmnist", "several labels"),
        ("chestmnist:64", "several labels"),
        ("organmnist3d", "three dimensions"),
        ("dermanist", "dermamnist"),
        ("sinthetic", "synthetic"),
        ("synthetic:64", "without a side"),
        ("dermamnist:32", "128"),
        ("", "bloodmnist"),
    ],
)
def test_app_other_data_raises_with_the_reason(command: str, value: str, word: str) -> None:
    error = invoke(command, "--data", value)
    assert error.problem.startswith("--data")
    assert error.value == value
    assert word in str(error)


def test_parse_path_text_becomes_path_with_the_home_folder() -> None:
    assert parse_path("a/b.npz") == Path("a/b.npz")
    assert parse_path("~/b.npz") == Path.home() / "b.npz"


def test_app_storage_with_a_tilde_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = CliRunner().invoke(app, ("status", "x", "--storage=~/out"), standalone_mode=False)
    assert isinstance(error.exception, ConflictError)
    assert error.exception.path == str(tmp_path / "out" / "x")


@pytest.mark.parametrize("command", [("grid",), ("search",), ("doctor",), ("resume", "x")])
@pytest.mark.parametrize(
    "address", ["foo", "host:", ":6379", "host:port", "http://host:80", "a b:1", "h:0", "h:65536"]
)
def test_app_malformed_address_raises(command: tuple[str, ...], address: str) -> None:
    error = invoke(*command, "--address", address)
    assert error.value == address
    assert error.problem.startswith("--address")
    assert error.exit_code == 2


@pytest.mark.parametrize("address", ["auto", "local", "host:6379", "10.0.0.1:6379", "[::1]:6379"])
def test_app_address_of_a_cluster_is_accepted(tmp_path: Path, address: str) -> None:
    """`resume` then finds no study, which is another error."""
    error = CliRunner().invoke(
        app, ["resume", "x", "--storage", str(tmp_path), "--address", address]
    )
    assert getattr(error.exception, "exit_code", None) == 4


@pytest.mark.parametrize("command", [("grid",), ("search",), ("doctor",), ("resume", "x")])
@pytest.mark.parametrize("source", ["--address", RAY_ADDRESS])
def test_app_address_of_ray_client_raises_with_another_way(
    command: tuple[str, ...], source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "ray://head:10001"
    if source == RAY_ADDRESS:
        monkeypatch.setenv(RAY_ADDRESS, address)
        error = invoke(*command)
    else:
        error = invoke(*command, source, address)
    assert (error.value, error.exit_code) == (address, 2)
    assert error.problem.startswith(source)
    assert "ray job submit" in str(error.remedy)


def test_app_variable_with_the_address_of_a_dashboard_raises_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(RAY_ADDRESS, "http://127.0.0.1:8265")
    error = invoke("grid")
    assert error.problem.startswith(RAY_ADDRESS)
    assert RAY_ADDRESS in str(error.remedy)


@pytest.mark.parametrize("command", [["grid"], ["search"]])
@pytest.mark.parametrize(
    ("variable", "option", "expected"),
    [
        ("head:6379", None, "head:6379"),
        ("head:6379", "auto", "head:6379"),
        ("head:6379", "other:6379", "other:6379"),
        ("head:6379", "local", None),
        ("local", None, None),
        ("local", "auto", None),
        ("", None, None),
        ("", "auto", "auto"),
        (None, "auto", "auto"),
        (None, None, None),
    ],
)
def test_app_address_has_the_order_of_ray(  # noqa: PLR0917 - fixtures
    command: list[str],
    variable: str | None,
    option: str | None,
    expected: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable is not None:
        monkeypatch.setenv(RAY_ADDRESS, variable)
    monkeypatch.setattr("study.runtime.resources.check_compute", lambda _: None)
    words = [*command, "--device", "cpu", *(["--address", option] if option else [])]
    assert parse_config(words, tmp_path, monkeypatch).address == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h1m1s", 3661),
        ("1.5h", 5400),
        ("30 m", 1800),
    ],
)
def test_parse_duration_s_time_with_unit_returns_seconds(text: str, expected: int) -> None:
    assert parse_duration_s(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "30", "1:30", "m", "-5m", "NaT", "soon", "30 parsecs", "\u0661m"]
)
def test_parse_duration_s_invalid_time_raises(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_duration_s(text)
    assert caught.value.value == text
    assert "above 0" in str(caught.value.expected)
