"""The commands of the README and the how-to guides, as a reader would copy them."""

import re
import shlex
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.medmnist_sets import MedMnistFile
from bloodnets.storage.location import RemotePath
from reports.ledger.ledger import Ledger
from reports.ledger.lookup import find_trial
from study.cli.data_source import parse_data_source
from study.cli.main import app
from study.configs.study_config import GridConfig
from study.inference.replay import COMPARED_METRICS, ReplayResult
from study.lifecycle.epoch_timing import NetworkCost
from tests.helpers import documented_commands
from tests.helpers.cli_runs import use_shared_ray
from tests.helpers.documented_commands import read_sh_lines
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.image_folders import write_classes
from tests.helpers.medmnist_files import write_official
from tests.helpers.models import add_models
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.search_builder import SEARCH_RECORD, build_search

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = read_sh_lines(documented_commands.README)
HOW_TO_GUIDES = sorted(ROOT.glob("docs/how-to/*.md"))
COMMANDS = dict.fromkeys(
    line
    for page in (documented_commands.README, *HOW_TO_GUIDES)
    for line in read_sh_lines(page)
    if line.startswith("bloodstudy ")
)


def test_readme_commands_are_found() -> None:
    expected = {"make demo", "make test", "bloodstudy grid --seeds 3", "bloodstudy report STUDY"}
    assert expected <= {*LINES}


def test_makefile_targets_of_the_readme_exist_and_demo_is_its_command() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [line.removeprefix("make ") for line in LINES if line.startswith("make ")]
    assert all(f"\n{target}:" in makefile for target in targets)
    (demo,) = re.findall(r"\$\(BIN\)/(bloodstudy .*)", makefile)
    assert demo in COMMANDS


def _plan_only(words: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the options with which `grid` or `search` trains, times and downloads nothing."""
    cost = NetworkCost(epoch_duration_s=1.5, weight_bytes=10**6)
    monkeypatch.setattr("study.lifecycle.epoch_timing.measure_network_cost", lambda *_: cost)
    # There is no cluster to join.
    monkeypatch.setattr("study.runtime.session.join_briefly", nullcontext)
    monkeypatch.setattr("study.runtime.session.has_gpu", lambda address: False)
    monkeypatch.setattr("study.lifecycle.trial_resources.list_fitting_trials", lambda *_: [4])
    if "--data" in words:
        source = parse_data_source(words[words.index("--data") + 1])
        if isinstance(source, MedMnistFile):
            write_official(monkeypatch, Path(), source.data_set.name, source.side)
            return ["--dry-run", "--data-root", "."]
    elif "--data-file" not in words:
        return ["--dry-run", "--data-file", "cells.npz"]
    return ["--dry-run"]


@pytest.mark.parametrize("command", [*COMMANDS])
def test_readme_command_is_accepted(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    running: S3Server,
    request: pytest.FixtureRequest,
) -> None:
    """Studies are planned, not trained or timed: `test_grid.py` and `test_search.py` do that."""
    monkeypatch.chdir(tmp_path)
    np.savez("cells.npz", allow_pickle=False, **generate_synthetic_arrays(scale=0.01))
    n_seeds = 2 if "ensemble" in command or "--vote" in command else 1
    for study in ("STUDY", "OTHER"):
        build_grid(
            tmp_path / "results" / study,
            {"cnn-config-1": make_published_matrices(n_seeds)["cnn-config-1"]},
        )
    if "s3://" in command:
        there = RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}")
        build_grid(there / "NAME", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
        command = command.replace("s3://BUCKET/PREFIX", str(there))
        command = command.replace("--name NAME", "--name NEW")
    arguments = shlex.split(command)[1:]
    if arguments[0] == "replay":
        build_search(tmp_path / "results" / "SEARCH", search=replace(SEARCH_RECORD, n_trials=18))
        monkeypatch.setattr("study.datasets.lookup.load_study_data", lambda study, file: None)
        monkeypatch.setattr("study.inference.replay.replay_trial", _as_it_was)
    if arguments[0] in {"predict", "export"}:
        add_models(Ledger(tmp_path / "results/STUDY"))
        (tmp_path / "photographs").mkdir()
        for image in ("cell.png", "photographs/1.jpg"):
            Image.new("RGB", (360, 363)).save(image)
    write_classes(Path("cells"), {"a": 4, "b": 4})
    if arguments[0] == "prepare":
        Path("cells.npz").unlink()
        rows = [f"{path.relative_to('cells')},{path.stem}" for path in Path("cells").glob("*/*")]
        Path("patients.csv").write_text("\n".join(["file,group", *rows]))
    if "--configs" in arguments:
        guide = (ROOT / "docs/how-to/train.md").read_text(encoding="utf-8")
        tables = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
        Path("variants.toml").write_text("\n".join(tables))
    if arguments[0] in {"grid", "search"}:
        arguments += _plan_only(arguments, monkeypatch)
    if arguments[0] == "doctor":
        arguments = [word for word in arguments if word not in {"--address", "auto"}]
        arguments += ["--data-file", "cells.npz"]
        request.getfixturevalue("ray_folder")
        use_shared_ray(monkeypatch)
        monkeypatch.setattr(
            "study.lifecycle.concurrency_report.report_concurrency", lambda: iter(())
        )
    if "--explain" in arguments:  # needs a ResNet, which this study has not
        del arguments[arguments.index("--explain") :]
    if arguments[0] == "resume":
        monkeypatch.setattr("study.datasets.lookup.load_study_data", lambda *_, **__: None)
        monkeypatch.setattr("study.tuning.run.run_study", _fake_resume)
    with write_texts_of_figures():
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    last = "scores: each follows" if "--verify" in arguments else "index.html\n"
    known = ["at most", last, "3 epochs re-trained", "1 of 1 ended", "goes on", "pass  storage"]
    known += ["not for diagnostic use", "probability_7", "synthetic images, the exported model"]
    known += ["changed", "Write the report with", "same_models"]  # `list` and `compare`
    known += ["A vote assigns", "Show them with", ".npz\n"]  # `ensemble`, `export-runs`, `prepare`
    assert any(words in done.stdout for words in known)


def _fake_resume(config: GridConfig, *_: object, resume: bool, **__: object) -> bool:
    assert resume
    typer.echo(f"{config.name} goes on")
    return True


def _as_it_was(ledger: Ledger, trial: str, *_: object, **__: object) -> ReplayResult:
    planned = find_trial(ledger.study.name, ledger.list_planned_trials(), trial)
    record = ledger.read_trial(planned)
    assert record is not None
    return ReplayResult(
        record=record,
        n_epochs=3,
        max_deviations=dict.fromkeys(COMPARED_METRICS, 0.0),
        max_weight_deviation=None,
        divergence_message=None,
    )


def test_readme_pictures_and_links_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert all((ROOT / link).is_file() for link in local)
