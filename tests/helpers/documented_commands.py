"""Shell commands of the README and of the pages in `docs`."""

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import typer.main
from typer.core import TyperGroup

from study.cli.main import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted(ROOT.glob("docs/**/*.md")))

IMAGE_FOLDER = "cells"
"""Folder of images of the reader, which `--data` names."""

_OPERATORS = set("();<>|&")


def read_sh_lines(path: Path) -> list[str]:
    """Return the command lines in the `sh` blocks of a page, without prompts and comments."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    commands = [re.sub(r"(?:^|\s)#.*", "", line).strip().removeprefix("$ ") for line in lines]
    return [" ".join(command.split()) for command in commands if command]


def read_inline_commands(path: Path) -> list[str]:
    """Return the calls of `bloodstudy` that a page has in its running text."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    commands = re.findall(r"`(bloodstudy\s[^`]*)`", text)
    return [" ".join(command.split()) for command in commands]


def split_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a shell line, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    previous = ""
    for word in lexer:
        is_target = bool(previous) and previous[0] in "<>"
        if set(word) <= _OPERATORS:
            if word[0] not in "<>" and words:
                yield words
                words = []
        elif not is_target and (words or not re.fullmatch(r"\w+=.*", word)):
            words.append(word)
        previous = word if set(word) <= _OPERATORS else ""
    if words:
        yield words


def find_own_commands(line: str) -> Iterator[list[str]]:
    """Yield the words after `bloodstudy`, also where another program runs it."""
    for words in split_commands(line):
        if "bloodstudy" in words:
            yield words[words.index("bloodstudy") + 1 :]
        for word in words:
            if "bloodstudy " in word:
                yield from find_own_commands(word)


def parse_own_command(words: list[str]) -> None:
    """Parse the words after `bloodstudy` as the program does, and run nothing.

    Raises:
        TyperException: An option does not exist, or a value is none that it takes.
        StudyError: There is no such command, or a value is none that it takes.
    """
    with TemporaryDirectory() as folder, chdir(folder):
        Path(IMAGE_FOLDER).mkdir()
        _parse_own_command(words)


def _parse_own_command(words: list[str]) -> None:
    group = cast(TyperGroup, typer.main.get_command(app))
    context = group.make_context("bloodstudy", [], resilient_parsing=True)
    name, *arguments = words
    if name.startswith("-"):
        assert any(name in parameter.opts for parameter in group.get_params(context)), name
        return
    assert name in group.commands, f"no such command: {name}"
    arguments = [word for word in arguments if word not in context.help_option_names]
    if arguments or "--help" not in words:
        group.commands[name].make_context(name, arguments, parent=context)
