"""The command line: what it imports, and what it says to wrong options."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.config import GridConfig, SearchConfig
from tests.synthetic import build, published_matrices

HEAVY = ("torch", "ray", "medmnist", "pandas", "matplotlib", "sklearn", "numpy")


def imported(code: str, *arguments: str) -> set[str]:
    """The modules among `HEAVY` that a fresh process has imported after running `code`."""
    probe = f"import sys\n{code}\nprint('imported:', *(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].removeprefix("imported:").split())


def test_help_imports_nothing_heavy() -> None:
    code = "from study.cli import main\ntry: main()\nexcept SystemExit as end: assert end.code == 0"
    assert imported(code, "--help") == set()
    assert imported(code, "grid", "--help") == set()


def test_a_report_needs_neither_torch_nor_ray(tmp_path: Path) -> None:
    build(tmp_path / "study", {"cnn-config-1": published_matrices()["cnn-config-1"]})
    code = "from study.cli import main\ntry: main()\nexcept SystemExit as end: assert end.code == 0"
    found = imported(code, "report", str(tmp_path / "study"))
    assert "pandas" in found
    assert not found & {"torch", "ray", "medmnist"}
    assert (tmp_path / "study" / "report" / "index.html").is_file()


def test_status_waits_for_nothing_heavy(tmp_path: Path) -> None:
    build(tmp_path / "study", {"cnn-config-1": published_matrices()["cnn-config-1"]})
    code = "from study.cli import main\ntry: main()\nexcept SystemExit as end: assert end.code == 0"
    assert imported(code, "status", str(tmp_path / "study")) <= {"numpy", "pandas"}


def test_a_study_begins_before_what_only_its_report_wants_is_there() -> None:
    assert not imported("import study.run") & {"matplotlib", "sklearn"}


@pytest.mark.parametrize("by_name", [True, False])
def test_a_study_is_found_by_name_or_by_path(tmp_path: Path, by_name: bool) -> None:
    build(tmp_path / "mine", {"cnn-config-1": published_matrices()["cnn-config-1"]})
    study = "mine" if by_name else str(tmp_path / "mine")
    done = CliRunner().invoke(app, ["report", study, "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "mine" / "report" / "index.html")


def test_without_a_command_the_commands_are_listed() -> None:
    done = CliRunner().invoke(app, [])
    assert "grid" in done.output
    assert "report" in done.output


@pytest.mark.parametrize(
    "options",
    [
        ["--seeds", "0"],
        ["--epochs", "0"],
        ["--patience", "0"],
        ["--batch-size", "0"],
        ["--cpus-per-trial", "0"],
        ["--max-concurrent", "0"],
        ["--data", "mnist"],
        ["--seeds", "two"],
    ],
)
def test_an_option_out_of_range_is_named(options: list[str]) -> None:
    done = CliRunner().invoke(app, ["grid", *options], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert options[0] in done.output


@pytest.mark.parametrize("kind", ["grid", "search"])
def test_the_precision_of_products_is_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    seen: list[str] = []

    def run(config: GridConfig | SearchConfig, *_: object, **__: object) -> bool:
        found = config if isinstance(config, GridConfig) else config.search
        seen.append(found.precision)
        return True

    monkeypatch.setattr(f"study.run.run_{kind}", run)
    monkeypatch.setattr("study.options.load", lambda *_: None)
    for given in ([], ["--precision", "bfloat16"]):
        CliRunner().invoke(app, [kind, "--results", str(tmp_path), *given], catch_exceptions=False)
    assert seen == ["float32", "bfloat16"]
    wrong = CliRunner().invoke(app, [kind, "--precision", "float16"])
    assert wrong.exit_code == 2
