"""Option groups: dataclasses whose fields become the options of a command."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from bloodnets.errors import DataError
from study.cli.option_groups import (
    ResourceOptions,
    StudyOptions,
    expand_option_groups,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: Annotated[int, typer.Option(min=1)] = 3
    height: Annotated[int, typer.Option(min=1)] = 4


def run(command: object, *arguments: str) -> int:
    assert callable(command)
    app = typer.Typer()
    app.command()(expand_option_groups(command))
    return CliRunner().invoke(app, arguments).exit_code


def test_expand_option_groups_passes_each_group_and_other_options() -> None:
    calls: list[tuple[str, Size]] = []

    def draw(color: str, *, size: Size) -> None:
        calls.append((color, size))

    assert run(draw, "red", "--height", "9") == 0
    assert calls == [("red", Size(width=3, height=9))]
    assert run(draw, "red", "--height", "0") == 2
    assert [*inspect.signature(expand_option_groups(draw)).parameters] == [
        "color",
        "width",
        "height",
    ]


def test_expand_option_groups_two_groups_with_one_option_raises() -> None:
    def draw(*, size: Size, other: Size) -> None:
        del size, other

    with pytest.raises(ValueError, match="width"):
        expand_option_groups(draw)


@pytest.mark.parametrize(("address", "expected"), [(None, None), ("local", None), ("auto", "auto")])
def test_make_settings_local_address_is_none(address: str | None, expected: str | None) -> None:
    resources = ResourceOptions(device="cpu", max_concurrent=2, address=address, stall_timeout=60.0)
    settings = StudyOptions(name="a", cpus_per_trial=3).make_settings(
        "grid", resources, resume=False
    )
    assert settings == {
        "name": "a",
        "has_default_name": False,
        "storage_root": Path("results"),
        "cpus_per_trial": 3,
        "gpus_per_trial": 0.0,
        "max_concurrent": 2,
        "address": expected,
        "stall_timeout_s": 60.0,
    }


def test_make_settings_resume_without_name_raises() -> None:
    with pytest.raises(DataError):
        StudyOptions().make_settings("grid", ResourceOptions(), resume=True)
