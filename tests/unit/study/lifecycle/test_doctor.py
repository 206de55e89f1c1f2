"""Each check of the doctor's passes or says a remedy."""

import shutil
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import requests
import torch

from bloodnets.data.synthetic import generate_synthetic_arrays
from study.lifecycle import doctor, doctor_compute
from study.lifecycle.check_result import CheckResult, run_check


def finding(name: str, *arguments: object) -> CheckResult:
    module = doctor_compute if name in {"gpu", "token"} else doctor
    return run_check(name, lambda: getattr(module, f"_check_{name}")(*arguments))


def test_run_checks_installed_software_and_host_pass() -> None:
    found = finding("software")
    assert found.passed, found.text
    assert "torch" in found.text
    assert finding("host").passed


def test_run_checks_old_software_fails_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    known = version
    monkeypatch.setattr(doctor, "version", lambda name: "0.9" if name == "torch" else known(name))
    passed, text = finding("software")
    assert not passed
    assert text.startswith("FAIL  software: torch is 0.9, wanted >=2.4; install")


@pytest.mark.parametrize(
    ("free_gib", "passed", "words"),
    [(0.1, False, "a trial takes"), (0.8, True, "use --max-concurrent 1"), (900, True, "free")],
)
def test_run_checks_free_memory_decides_the_concurrency(
    free_gib: float, passed: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = SimpleNamespace(available=free_gib * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(doctor, "count_available_cores", lambda: 2)
    found = finding("host")
    assert found.passed == passed
    assert words in found.text


def test_run_checks_storage_that_cannot_be_used_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = finding("storage", tmp_path / "new" / "results")
    assert found.passed
    assert f"{tmp_path}/new/results can be written" in found.text
    assert [*tmp_path.iterdir()] == []
    refused = finding("storage", Path("/proc/self/results"))
    assert not refused.passed
    assert "cannot write to /proc/self" in refused.text
    assert "choose another --storage" in refused.text
    full = SimpleNamespace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert "make room" in finding("storage", tmp_path).text


def test_run_checks_data_that_cannot_be_found_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.005))
    found = finding("data", path, None)
    assert found.passed
    assert "not BloodMNIST (MD5 " in found.text
    path.write_bytes(b"broken")
    assert not finding("data", path, None).passed

    def unreachable(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", unreachable)
    offline = finding("data", None, tmp_path)
    assert not offline.passed
    assert "bloodmnist.npz is not there, and cannot be downloaded" in offline.text
    assert "--data synthetic" in offline.text
    answer = SimpleNamespace(raise_for_status=lambda: None)
    monkeypatch.setattr(requests, "head", lambda *_, **__: answer)
    online = finding("data", None, tmp_path)
    assert online.passed
    assert "a study downloads it" in online.text


def test_run_checks_gpu_unusable_by_pytorch_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert finding("gpu").passed
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert "install a CUDA build" in finding("gpu").text


def test_run_checks_readable_token_is_made_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert finding("token").text == "pass  token: Ray's token is yours alone"
    file = tmp_path / ".ray" / "auth_token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(secret := file.read_text()) == 64
    file.chmod(0o644)
    assert "now by you alone" in finding("token").text
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == secret
