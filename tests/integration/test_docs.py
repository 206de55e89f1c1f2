"""The documentation: the site is built, its links lead somewhere, its commands are accepted."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer

from bloodnets.errors import StudyError
from tests.helpers.documented_commands import (
    PAGES,
    ROOT,
    find_own_commands,
    parse_own_command,
    read_inline_commands,
    read_sh_lines,
    split_commands,
)

TUTORIALS = (ROOT / "docs/tutorial.md", ROOT / "docs/tutorial-own-cells.md")
BIN = Path(sys.executable).parent

# Programs in `sh` blocks that no test runs, with the reason.
NOT_RUN = {
    "aws": "needs an account",
    "cd": "is about the reader's folders",
    "cp": "is about the reader's folders",
    "chmod": "is about a file of the reader's account",
    "docker": "needs a daemon and images",
    "export": "is about the reader's shell",
    "git": "needs the network",
    "jupyter": "waits for a browser",
    "kubectl": "needs a Kubernetes cluster",
    "make": "builds an environment or runs all tests; the target must exist",
    "mlflow": "serves until it is interrupted",
    "open": "needs a desktop",
    "optuna-dashboard": "serves until it is interrupted",
    "pandoc": "is a large program that bloodstudy does not need",
    "pip": "needs the package index; the extras must exist",
    "python3": "makes an environment",
    "ray": "needs a cluster; `tests/cluster` starts one",
    "sbatch": "needs a Slurm cluster; `tests/cluster` starts one",
    "scancel": "needs a Slurm cluster; `tests/cluster` starts one",
    "source": "is about the reader's shell",
    "squeue": "needs a Slurm cluster; `tests/cluster` starts one",
    "ssh": "needs another node",
    "tensorboard": "serves until it is interrupted",
    "uv": "needs the package index; the extras must exist",
    "xdg-open": "needs a desktop",
}

# Exit codes of commands in tutorials that do not end with 0.
EXIT_CODES = {
    "doctor": 3,  # BloodMNIST cannot be downloaded
    "prepare": 1,  # a file is damaged
}


class LinkParser(HTMLParser):
    """Links and anchors of a page.

    Attributes:
        links: Targets of `a` elements.
        loaded: Addresses of what a browser loads to show the page.
        anchors: Ids and names of its elements.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in {"canonical", "next", "prev"}:
            self.loaded.append(values["href"])
        elif tag in {"audio", "iframe", "img", "script", "source", "video"} and "src" in values:
            self.loaded.append(values["src"])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """Build the site once, outside the working tree: its folder, the output and the exit code."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    for package in ("bloodnets", "reports", "study"):
        (folder / package).symlink_to(ROOT / package)
    done = subprocess.run(
        [BIN / "zensical", "build", "--clean", "--strict"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return folder / "site", done.stdout, done.returncode


@pytest.fixture(scope="module")
def site(build: tuple[Path, str, int]) -> dict[Path, LinkParser]:
    """Parse the pages of the site; the addresses of the error page are relative to a server."""
    folder = build[0]
    pages = [path for path in folder.rglob("*.html") if path.name != "404.html"]
    return {path: LinkParser(path) for path in pages}


def test_site_is_built_without_a_warning(build: tuple[Path, str, int]) -> None:
    _, output, exit_code = build
    assert exit_code == 0, output
    # mkdocstrings prints messages, which the strict mode does not count.
    lines = [line for line in output.splitlines() if not line.startswith("Build ")]
    assert lines == ["No issues found"]


def test_every_page_is_in_the_navigation(build: tuple[Path, str, int]) -> None:
    listed = re.findall(r'= "([^"]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    written = [path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")]
    assert sorted(listed) == sorted(written)
    assert all((build[0] / name).with_suffix(".html").is_file() for name in listed)


def test_search_index_has_every_page(build: tuple[Path, str, int]) -> None:
    index = (build[0] / "search.json").read_text(encoding="utf-8")
    assert "reference/commands.html#bloodstudy-grid" in index
    assert "reference/python.html#reports.load_study" in index


def test_python_examples_are_code(build: tuple[Path, str, int]) -> None:
    page = (build[0] / "reference/python.html").read_text(encoding="utf-8")
    assert page.count('class="language-pycon') >= 5
    assert "example" not in re.findall(r'<(?:details|div) class="(\w+)', page)  # "Example:" is one


def test_gallery_reports_are_copied_as_they_are(build: tuple[Path, str, int]) -> None:
    reports = [*ROOT.glob("docs/gallery/*.html")]
    assert {report.stem for report in reports} >= {"grid", "search", "ablation"}
    for report in reports:
        assert (build[0] / "gallery" / report.name).read_bytes() == report.read_bytes()


def test_internal_links_and_anchors_exist(site: dict[Path, LinkParser]) -> None:
    broken = []
    for page, parser in site.items():
        for link in [*parser.links, *parser.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchors = site[target].anchors if target in site else set()
            # "#__" are the theme's own; an empty one is the top of the page.
            is_anchor = parts.fragment in anchors or not parts.fragment
            if not target.is_file() or not (is_anchor or parts.fragment.startswith("__")):
                broken.append(f"{page.name}: {link}")
    assert not broken


def test_external_links_are_well_formed(site: dict[Path, LinkParser]) -> None:
    links = {link for parser in site.values() for link in parser.links}
    external = [urlsplit(link) for link in links if urlsplit(link).scheme or link.startswith("//")]
    assert external
    for parts in external:
        assert parts.scheme == "https", parts.geturl()
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), parts.geturl()
        assert not re.search(r"[\s<>\"]", parts.geturl()), parts.geturl()


def test_pages_load_nothing_from_other_servers(
    build: tuple[Path, str, int], site: dict[Path, LinkParser]
) -> None:
    loaded = {address for parser in site.values() for address in parser.loaded}
    assert not [address for address in loaded if urlsplit(address).netloc]
    sheets = [*build[0].rglob("*.css")]
    assert sheets
    assert not [path for path in sheets if re.search(r"url\(.?https?:|@import", path.read_text())]


def _find_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for line in dict.fromkeys(read_sh_lines(page)):
            yield page.relative_to(ROOT).as_posix(), line


@pytest.mark.parametrize(("page", "line"), [*_find_lines()])
def test_command_line_is_accepted(page: str, line: str) -> None:
    for words in find_own_commands(line):
        parse_own_command(words)
    for words in split_commands(line):
        assert words[0] in {"bloodstudy", "python", *NOT_RUN}, f"{page}: say why not to run {line}"
        if words[0] == "python":
            assert (ROOT / words[1]).is_file(), words[1]
        if words[0] == "make":
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert all(f"\n{target}:" in makefile for target in words[1:] if "=" not in target)
        for extra in re.findall(r"\.\[([\w,]+)\]", line):
            project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
            assert all(f"\n{name} = [\n" in project for name in extra.split(","))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_running_text_are_accepted(page: Path) -> None:
    refused = []
    for command in read_inline_commands(page):
        for words in find_own_commands(command):
            complete = [word for word in words if not re.search(r"…|\.\.\.", word)]
            if not complete or complete[0].isupper():  # a placeholder
                continue
            try:
                parse_own_command(complete)
            except (typer.TyperException, StudyError) as error:
                # Running text may name a command without its arguments.
                if type(error).__name__ != "MissingParameter":
                    refused.append(f"{command}: {error}")
    assert not refused


def _needs_download(line: str) -> bool:
    """Return whether a command trains on BloodMNIST, which this test does not have."""
    options = {"--data", "--data-file", "--from", "--resume"}
    return any(
        words[0] in {"grid", "search"} and not options & {*words}
        for words in find_own_commands(line)
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs_word_for_word_in_an_empty_folder(tutorial: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = [
        f"{line} || test $? -eq {EXIT_CODES.get(line.split()[1], 0)}"
        for line in read_sh_lines(tutorial)
        if {words[0] for words in split_commands(line)}.isdisjoint(NOT_RUN)
        and not _needs_download(line)
    ]
    assert len(commands) >= 3
    script = "set -euxo pipefail\n" + "\n".join(commands)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
