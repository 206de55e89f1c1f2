"""The function that Ray Tune calls in a worker."""

from collections.abc import Mapping

import pytest

from bloodnets import trainable
from bloodnets.data.medmnist import BloodCells
from study.tuning.worker import run_trial
from tests.helpers.imports import list_heavy_imports


def test_run_trial_passes_trial_and_data_on(
    cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[tuple[Mapping[str, object], BloodCells]] = []
    monkeypatch.setattr(
        trainable, "run_trial", lambda config, *, cells: passed.append((config, cells))
    )
    run_trial({"spec": "x"}, cells=cells)
    assert passed == [({"spec": "x"}, cells)]


def test_worker_import_does_not_import_torch() -> None:
    assert not list_heavy_imports("import study.tuning.worker") & {"torch", "ray"}
