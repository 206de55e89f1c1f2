"""`bloodstudy report` on whole, damaged and forged studies, in this process."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from reports.ledger.states import DataKind
from tests.helpers import grid_builder
from tests.helpers.cli_runs import Outcome
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.quick_figures import write_texts_of_figures
from tests.integration.conftest import RunIn

Report = Callable[..., Outcome]


@pytest.fixture
def report(run_in: RunIn, tmp_path: Path) -> Iterator[Report]:
    """Run `bloodstudy report` with the words, in `tmp_path`; figures are texts."""
    with write_texts_of_figures():
        yield lambda *words: run_in(tmp_path, "report", *words)


@pytest.fixture
def study(tmp_path: Path) -> Ledger:
    """`results/mine`: one configuration, two seeds, and the data's file where it was."""
    matrices = {"cnn-config-1": [ASYMMETRIC] * 2}
    (tmp_path / "results").mkdir()
    ledger = grid_builder.build_grid(tmp_path / "results" / "mine", matrices, kind=DataKind.FILE)
    images = np.random.default_rng(0).integers(256, size=(360, 28, 28, 3), dtype=np.uint8)
    np.savez(tmp_path / "cells.npz", test_images=images)
    sha256 = hashlib.sha256((tmp_path / "cells.npz").read_bytes()).hexdigest()
    described = replace(
        ledger.study,
        data=replace(ledger.study.data, path=str(tmp_path / "cells.npz"), sha256=sha256),
    )
    (ledger.folder / "study.json").write_bytes(to_json(described, indent=2))
    return Ledger(ledger.folder)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def first(ledger: Ledger, kind: str) -> Path:
    return next((ledger.folder / kind).glob(f"{ledger.study.trials[0].id}.*"))


def test_report_shows_images_only_if_the_data_are_available(
    report: Report, study: Ledger, tmp_path: Path
) -> None:
    index = study.folder / "report" / "index.html"
    assert report("mine").code == 0
    assert 'class="gallery"' in index.read_text(encoding="utf-8")
    (tmp_path / "cells.npz").rename(tmp_path / "moved.npz")
    assert report("mine").code == 0
    assert 'class="gallery"' not in index.read_text(encoding="utf-8")
    assert report("mine", "--data-file", "moved.npz").code == 0
    assert 'class="gallery"' in index.read_text(encoding="utf-8")


def test_report_with_another_data_file_is_refused(
    report: Report, study: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "other.npz").write_bytes(b"other")
    done = report("mine", "--data-file", "other.npz")
    assert done.code == 2
    assert done.stderr.startswith("bloodstudy: other.npz is not the file that the study used")
    assert done.stderr.count("\n") == 1
    assert not (study.folder / "report").exists()


def test_report_with_a_damaged_trial_leaves_it_out_and_exits_1(
    report: Report, study: Ledger, tmp_path: Path
) -> None:
    path = first(study, "trials")
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    done = report("mine")
    assert done.code == 1
    assert done.stderr.startswith(
        f"bloodstudy: skipped: {study.study.trials[0].id}: trials/{path.name} is invalid"
    )
    text = (study.folder / "report" / "report.md").read_text(encoding="utf-8")
    assert "1 of 2 trials was left out of this report" in text
    assert "1 unreadable" in text


def test_verify_of_a_complete_study_passes_and_writes_nothing(
    report: Report, tmp_path: Path
) -> None:
    whole = grid_builder.build_grid(tmp_path / "whole", {"cnn-config-1": [ASYMMETRIC]})
    assert report("whole").code == 0
    before = files(whole.folder)
    done = report("whole", "--verify")
    assert (done.code, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) >= 5
    assert files(whole.folder) == before


def test_verify_with_a_forged_score_names_it(report: Report, tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "forged", {"cnn-config-1": [ASYMMETRIC]})
    path = first(ledger, "trials")
    record = json.loads(path.read_text(encoding="utf-8"))
    record["scores"]["test"]["macro_f1"] += 0.01
    path.write_text(json.dumps(record), encoding="utf-8")
    done = report("forged", "--verify")
    assert done.code == 1
    assert f"trials/{path.name}" in done.stderr
    assert "macro_f1" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (ledger.folder / "report").exists()


def test_report_of_several_studies_is_written(
    report: Report, study: Ledger, tmp_path: Path
) -> None:
    grid_builder.build_grid(tmp_path / "results" / "other", {"cnn-config-2": [ASYMMETRIC]})
    done = report("mine", "other")
    assert done.code == 0, done.stderr
    assert done.stdout.strip() == "results/mine+other/index.html"
    assert (tmp_path / "results" / "mine+other" / "index.html").is_file()
    assert not (study.folder / "report").exists()


def test_report_into_a_folder_of_other_files_changes_nothing(
    report: Report, study: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("precious", encoding="utf-8")
    done = report("mine", "--output", "photos")
    assert done.code == 4
    assert "photos holds files other than a report, e.g. me.jpg" in done.stderr
    assert files(tmp_path / "photos") == {str(tmp_path / "photos" / "me.jpg"): b"precious"}
    done = report("mine", "--output", "photos/me.jpg")
    assert done.code == 4
    for name in ("figures", "tables"):  # a paper's, with names like ours
        (tmp_path / "paper" / name).mkdir(parents=True)
    (tmp_path / "paper" / "index.html").write_text("<p>mine</p>", encoding="utf-8")
    assert report("mine", "--output", "paper").code == 4
    assert (tmp_path / "paper" / "index.html").read_text(encoding="utf-8") == "<p>mine</p>"
    for _ in range(2):  # a new place, then a report of ours
        assert report("mine", "--output", "new/place").code == 0
    assert (tmp_path / "new" / "place" / "index.html").is_file()
    (study.folder / "report").mkdir()
    (study.folder / "report" / ".DS_Store").write_bytes(b"")  # what a file browser leaves there
    assert report("mine").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["mine", "--verify", "--output", "x"], 2, "--verify cannot be combined with --output"),
        (["mine", "mine"], 2, "in folders of the same name"),
        (["mine", "nothing"], 4, "no study 'nothing' in results/"),
    ],
)
def test_report_with_wrong_usage_exits_in_one_line(
    report: Report, study: Ledger, arguments: list[str], code: int, words: str
) -> None:
    done = report(*arguments)
    assert done.code == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (study.folder / "report").exists()
