"""The command line: what it imports, and what it says to wrong options."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bloodnets.errors import ConflictError, DataError, ResourceError
from study.cli import arguments
from study.cli.main import app
from study.configs.presets import ABLATIONS, PUBLISHED, RESNET
from study.configs.study_config import GridConfig, SearchConfig, make_resnet_baseline
from tests.helpers.grid_builder import build_grid, make_published_matrices

HEAVY = ("torch", "ray", "medmnist", "pandas", "matplotlib", "sklearn", "numpy", "scipy", "optuna")


def imported(code: str, *arguments: str) -> set[str]:
    """The modules among `HEAVY` that a fresh process has imported after running `code`."""
    probe = f"import sys\n{code}\nprint('imported:', *(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].removeprefix("imported:").split())


def test_main_help_imports_nothing_heavy() -> None:
    code = (
        "from study.cli.main import main\ntry: main()\n"
        "except SystemExit as end: assert end.code == 0"
    )
    assert imported(code) == set()
    assert imported(code, "--version") == set()
    assert imported(code, "--help") == set()
    assert imported(code, "grid", "--help") == set()


def test_report_imports_neither_torch_nor_ray(tmp_path: Path) -> None:
    build_grid(tmp_path / "study", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    code = (
        "from study.cli.main import main\ntry: main()\n"
        "except SystemExit as end: assert end.code == 0"
    )
    found = imported(code, "report", str(tmp_path / "study"))
    assert "pandas" in found
    assert not found & {"torch", "ray", "medmnist"}
    assert (tmp_path / "study" / "report" / "index.html").is_file()


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    build_grid(tmp_path / "study", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    code = (
        "from study.cli.main import main\ntry: main()\n"
        "except SystemExit as end: assert end.code == 0"
    )
    assert imported(code, "status", str(tmp_path / "study")) <= {"numpy", "pandas"}


def test_run_import_does_not_import_what_only_reports_need() -> None:
    assert not imported("import study.tuning.run") & {"matplotlib", "sklearn"}


@pytest.mark.parametrize("by_name", [True, False])
def test_report_study_by_name_or_path_is_found(tmp_path: Path, by_name: bool) -> None:
    build_grid(tmp_path / "mine", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    study = "mine" if by_name else str(tmp_path / "mine")
    done = CliRunner().invoke(app, ["report", study, "--storage", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "mine" / "report" / "index.html")


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


def test_launch_resume_of_a_misspelled_study_suggests_close_names(tmp_path: Path) -> None:
    build_grid(tmp_path / "grid-x", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    words = ["grid", "--data", "synthetic", "--storage", str(tmp_path), "--name"]
    done = CliRunner().invoke(app, [*words, "gird-x", "--resume"])
    assert isinstance(done.exception, ConflictError)
    assert str(done.exception.remedy).endswith("did you mean grid-x?")
    existing = CliRunner().invoke(app, [*words, "grid-x"])
    assert isinstance(existing.exception, ConflictError)
    assert "did you mean" not in str(existing.exception)


def run_main(*words: str) -> subprocess.CompletedProcess[str]:
    code = "from study.cli.main import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ["status", "a" * 300],
        ["status", "a" * 5000],
        ["grid", "--data", "synthetic", "--dry-run", "--storage", "a" * 300],
    ],
)
def test_main_path_too_long_exits_2_in_one_line(words: list[str]) -> None:
    done = run_main(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("bloodstudy: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["status", "x", "--storage", ""], "--storage"),
        (["grid", "--storage", " "], "--storage"),
        (["grid", "--address", ""], "--address"),
        (["resume", "x", "--address", ""], "--address"),
    ],
)
def test_app_empty_option_raises(words: list[str], option: str) -> None:
    with pytest.raises(DataError) as caught:
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert option in caught.value.problem


def test_launch_more_cores_than_the_host_has_raises_before_data_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResourceError) as caught:
        asked_for(["grid", "--cpus-per-trial", "100000"], tmp_path, monkeypatch)
    assert caught.value.value == 100000


@pytest.mark.parametrize(
    "words",
    [
        ["--width", "8", "16"],
        ["--weight-decay", "0.1", "1"],
        ["--label-smoothing", "0", "0.1"],
        ["--optimizer", "adam", "--momentum", "0.6", "0.9"],
        ["--family", "resnet", "--momentum", "0.6", "0.9"],
    ],
)
def test_search_range_without_effect_raises(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as caught:
        asked_for(["search", *words], tmp_path, monkeypatch)
    assert isinstance(caught.value.value, tuple)


COMMANDS = ("grid", "search", "resume", "status", "report", "predict", "export", "replay", "doctor")


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


def wide_help(command: str) -> str:
    return CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"}).stdout


def test_help_of_grid_and_search_shows_shared_options_in_the_same_panels() -> None:
    for panel in ("Training", "Data", "Study", "Resources", "Output"):
        assert f"─ {panel} ─" in wide_help("grid")
        assert f"─ {panel} ─" in wide_help("search")


@pytest.mark.parametrize(
    "words",
    [
        ["--seeds", "0"],
        ["--max-epochs", "0"],
        ["--patience", "0"],
        ["--batch-size", "0"],
        ["--cpus-per-trial", "0"],
        ["--max-concurrent", "0"],
        ["--data", "mnist"],
        ["--seeds", "two"],
        ["--seeds", "1001"],
        ["--max-epochs", "99999999999999999999"],
        ["--batch-size", "99999999999999999999"],
        ["--width", "100000"],
    ],
)
def test_grid_option_out_of_range_exits_2(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["grid", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words[0] in done.output


def asked_for(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> GridConfig | SearchConfig:
    """What a command would run."""
    seen: list[GridConfig | SearchConfig] = []

    def run(config: GridConfig | SearchConfig, *_: object, **__: object) -> bool:
        seen.append(config)
        return True

    monkeypatch.setattr("study.tuning.run.run_study", run)
    monkeypatch.setattr("study.cli.option_groups.DataOptions.load", lambda *_: None)
    CliRunner().invoke(app, [*words, "--storage", str(tmp_path)], catch_exceptions=False)
    return seen[0]


def test_grid_configurations_default_to_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, names in (
        ([], [*PUBLISHED]),
        (["--config", "resnet", "--config", "cnn-config-1"], ["resnet", "cnn-config-1"]),
        (["--ablation"], ["resnet", *ABLATIONS]),
    ):
        config = asked_for(["grid", *words], tmp_path, monkeypatch)
        assert isinstance(config, GridConfig)
        assert [*config.configurations] == names
    with pytest.raises(DataError) as caught:
        arguments.resolve_configurations(["resnet"], ablation=True)
    assert "--config" in str(caught.value.remedy)


def test_search_of_resnets_starts_from_the_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["search", "--family", "resnet", "--max-epochs", "5", "--width", "16", "32"]
    config = asked_for([*words, "--seed", "3"], tmp_path, monkeypatch)
    assert isinstance(config, SearchConfig)
    found = config.search
    assert found.resnet is not None
    assert (found.optimizers, found.batch_size, found.resnet.width) == (("adamw",), 128, (16, 32))
    start = replace(RESNET, max_epochs=5, patience=5, seed=3)
    assert found.resnet.baseline_config == start.to_dict()
    plain = asked_for(["search"], tmp_path, monkeypatch)
    assert isinstance(plain, SearchConfig)
    assert (plain.search.resnet, plain.search.batch_size) == (None, 64)
    with pytest.raises(DataError, match="resnet is trained with AdamW"):
        arguments.resolve_optimizers("sgd", "resnet")
    with pytest.raises(DataError, match="max_epochs is 0"):
        make_resnet_baseline(max_epochs=0, batch_size=1, precision="float32", seed=0)


@pytest.mark.parametrize("family", ["cnn", "resnet"])
def test_search_option_out_of_range_exits_2(family: str) -> None:
    words = ["search", "--family", family, "--max-epochs", "0"]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "--max-epochs" in done.output


@pytest.mark.parametrize("kind", ["grid", "search"])
def test_grid_and_search_precision_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    seen: list[str] = []

    def run(config: GridConfig | SearchConfig, *_: object, **__: object) -> bool:
        found = config if isinstance(config, GridConfig) else config.search
        seen.append(found.precision)
        return True

    monkeypatch.setattr("study.tuning.run.run_study", run)
    monkeypatch.setattr("study.cli.option_groups.DataOptions.load", lambda *_: None)
    for given in ([], ["--precision", "bfloat16"]):
        CliRunner().invoke(app, [kind, "--storage", str(tmp_path), *given], catch_exceptions=False)
    assert seen == ["float32", "bfloat16"]
    wrong = CliRunner().invoke(app, [kind, "--precision", "float16"])
    assert wrong.exit_code == 2
