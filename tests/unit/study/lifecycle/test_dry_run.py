"""What a study would cost is measured as a trial runs: with as many threads as it has cores."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bloodnets.data.medmnist import BloodCells
from bloodnets.training.loop import train
from study.configs.study_config import GridConfig, SearchConfig
from study.lifecycle import dry_run, epoch_timing
from tests.helpers.search_builder import SEARCH_RECORD
from tests.helpers.study_configs import make_grid_config

RESOURCES: dict[str, Any] = {
    "name": "s",
    "cpus_per_trial": 3,
    "gpus_per_trial": 0,
    "max_concurrent": None,
    "address": None,
}


@pytest.mark.parametrize("kind", ["grid", "search"])
def test_print_dry_run_epoch_is_timed_with_the_threads_of_a_trial(
    cells: BloodCells,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    threads: list[int] = []

    def watched(*args: Any, **options: Any) -> Any:
        threads.append(torch.get_num_threads())
        return train(*args, **options)

    monkeypatch.setattr(epoch_timing, "train", watched)
    before = torch.get_num_threads()
    if kind == "grid":
        names = ("mlnn-config-1",)
        dry_run.print_dry_run(
            GridConfig(
                storage_root=tmp_path, configurations=names, seeds=1, max_epochs=5, patience=5,
                width=None, batch_size=64, precision="float32", **RESOURCES,
            ),
            lambda: cells,
        )  # fmt: skip
    else:
        dry_run.print_dry_run(
            SearchConfig(storage_root=tmp_path, search=SEARCH_RECORD, **RESOURCES), lambda: cells
        )
    assert set(threads) == {3}
    assert torch.get_num_threads() == before
    said = " ".join(capsys.readouterr().out.split())
    assert ("1 trial in " if kind == "grid" else "Rungs epochs 1, 3, 9, 15 of 20;") in said


def test_print_search_plan_gives_the_maximum_number_of_epochs(
    cells: BloodCells, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dry_run.print_dry_run(
        SearchConfig(storage_root=tmp_path, search=SEARCH_RECORD, **RESOURCES), lambda: cells
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "50 trials and at most 12 confirmation trials" in said
    assert "at most 1,240 epochs" in said  # 50 and 4 times 3 trials, of 20 epochs
    assert "Initial trials cnn-config-1, cnn-config-2" in said


def test_print_search_plan_without_published_configurations_counts_all_of_them(
    cells: BloodCells, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = replace(SEARCH_RECORD, learning_rate=(1e-5, 1e-4))
    dry_run.print_dry_run(
        SearchConfig(storage_root=tmp_path, search=search, **RESOURCES), lambda: cells
    )
    said = " ".join(capsys.readouterr().out.split())
    assert "at most 15 confirmation trials" in said  # 3 and 2, 3 seeds each
    assert "Initial trials none (cnn-config-1, cnn-config-2: outside the space)" in said


@pytest.mark.parametrize(("name", "sooner"), [("mlnn-config-1", True), ("resnet", False)])
def test_print_grid_plan_mentions_patience_only_if_it_can_end_a_trial(
    cells: BloodCells,
    tmp_path: Path,
    name: str,
    sooner: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dry_run.print_dry_run(
        GridConfig(
            storage_root=tmp_path, configurations=(name,), seeds=1, max_epochs=20, patience=5,
            width=4, batch_size=64, precision="float32", **RESOURCES,
        ),
        lambda: cells,
    )  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert ("Early stopping usually ends trials sooner" in said) == sooner


def test_print_grid_plan_counts_no_more_trials_at_once_than_there_are(
    cells: BloodCells,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("study.runtime.cores.count_available_cores", lambda: 64)
    config = make_grid_config(tmp_path, configurations=("mlnn-config-1",), seeds=2)
    dry_run.print_dry_run(config, lambda: cells)
    assert " with 2 in parallel " in " ".join(capsys.readouterr().out.split())


def test_print_dry_run_says_how_many_trials_fit(
    cells: BloodCells,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("study.runtime.resources.count_available_cores", lambda: 8)
    config = make_grid_config(tmp_path, configurations=("mlnn-config-1",), cpus_per_trial=2)
    dry_run.print_dry_run(config, lambda: cells)
    assert "2 cores each: 4 at once" in " ".join(capsys.readouterr().out.split())


def test_print_dry_run_on_a_cluster_counts_its_nodes(
    cells: BloodCells,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    joined: list[str] = []

    @contextmanager
    def join_briefly(address: str) -> Iterator[None]:
        joined.append(address)
        yield
        joined.append("left")

    monkeypatch.setattr("study.runtime.session.join_briefly", join_briefly)
    monkeypatch.setattr(
        "study.lifecycle.trial_resources.list_fitting_trials", lambda *_: [8, 8] if joined else []
    )
    config = make_grid_config(tmp_path, configurations=("mlnn-config-1",), address="head:6379")
    dry_run.print_dry_run(config, lambda: cells)
    assert joined == ["head:6379", "left"]
    assert "8 at once on each of 2 nodes" in " ".join(capsys.readouterr().out.split())
