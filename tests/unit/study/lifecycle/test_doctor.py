"""Each check of the doctor's passes or says a remedy."""

import shutil
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import requests

from bloodnets.data.medmnist import BloodCells
from study.lifecycle import doctor
from study.lifecycle.check_result import CheckResult
from study.lifecycle.doctor import run_checks
from tests.helpers.npz_files import saved, sound


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, for Ray's token."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def finding(
    name: str,
    *,
    storage_root: Path = Path("results"),
    data_file: Path | None = Path("missing.npz"),
    data_root: Path | None = None,
) -> CheckResult:
    """Return the result of one check; those after it are not made."""
    results = run_checks(
        storage_root=storage_root, data_file=data_file, data_root=data_root, address=None
    )
    return next(result for result in results if result.text.split(":")[0].split()[1] == name)


def test_run_checks_installed_software_and_host_pass() -> None:
    found = finding("software")
    assert found.passed, found.text
    assert f"torch {version('torch')}" in found.text
    assert finding("machine").passed


def test_run_checks_old_software_fails_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    known = version
    monkeypatch.setattr(doctor, "version", lambda name: "0.9" if name == "torch" else known(name))
    found = finding("software")
    assert not found.passed
    assert "torch is 0.9" in found.text
    assert ">=2.4" in found.text


@pytest.mark.parametrize(
    ("free_gib", "passed", "words"),
    [(0.1, False, "0.1 GiB"), (0.8, True, "--max-concurrent 1"), (900, True, "900 GiB")],
)
def test_run_checks_free_memory_decides_the_concurrency(
    free_gib: float, passed: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = SimpleNamespace(available=free_gib * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(doctor, "count_available_cores", lambda: 2)
    found = finding("machine")
    assert found.passed == passed
    assert words in found.text


def test_run_checks_storage_that_cannot_be_used_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {*tmp_path.iterdir()}
    found = finding("storage", storage_root=tmp_path / "new" / "results")
    assert found.passed
    assert f"{tmp_path}/new/results" in found.text
    assert {*tmp_path.iterdir()} == before
    refused = finding("storage", storage_root=Path("/proc/self/results"))
    assert not refused.passed
    assert "/proc/self" in refused.text
    assert "--storage" in refused.text
    full = SimpleNamespace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert not finding("storage", storage_root=tmp_path).passed


def test_run_checks_data_file_passes_if_it_is_whole(tmp_path: Path, cells: BloodCells) -> None:
    found = finding("data", data_file=cells.path)
    assert found.passed
    assert str(cells.md5) in found.text
    assert "8 classes, 28 x 28 pixels, color" in found.text
    assert f"val {len(cells.val.labels)}" in found.text
    (tmp_path / "cells.npz").write_bytes(b"broken")
    assert not finding("data", data_file=tmp_path / "cells.npz").passed


def test_run_checks_data_without_a_class_or_with_duplicates_warns_and_passes(
    tmp_path: Path,
) -> None:
    arrays = sound()  # 10 images in train, 8 in val and 9 in test
    arrays["test_labels"] = np.zeros_like(arrays["test_labels"])
    arrays["val_images"][0] = arrays["train_images"][0]
    path = saved(tmp_path / "cells.npz", arrays)
    results = run_checks(storage_root=tmp_path, data_file=path, data_root=None, address=None)
    data_results = [result for result in islice(results, 7) if " data: " in result.text]
    assert [result.text.split()[0] for result in data_results] == ["pass", "warn", "warn"]
    assert all(result.passed for result in data_results)
    assert "12.5%" in data_results[1].text
    assert "--drop-duplicates" in data_results[2].text


def test_run_checks_data_that_cannot_be_downloaded_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", unreachable)
    offline = finding("data", data_file=None, data_root=tmp_path)
    assert not offline.passed
    assert f"{tmp_path}/bloodmnist.npz" in offline.text
    assert "--data synthetic" in offline.text
    answer = SimpleNamespace(raise_for_status=lambda: None)
    monkeypatch.setattr(requests, "head", lambda *_, **__: answer)
    assert finding("data", data_file=None, data_root=tmp_path).passed
