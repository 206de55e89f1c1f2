"""The checks of GPU and token."""

from pathlib import Path

import pytest
import torch

from study.lifecycle.check_result import CheckResult
from study.lifecycle.doctor_compute import run_compute_checks
from study.runtime import gpus


def find_check(name: str) -> CheckResult:
    """Return the result of one check; those after it are not made."""
    results = run_compute_checks(
        storage_root=Path("results"), data_path=Path("missing.npz"), address=None
    )
    return next(result for result in results if result.text.split(":")[0].split()[1] == name)


def test_run_compute_checks_gpu_unusable_by_pytorch_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpus, "NVIDIA_DEVICE", tmp_path / "none")
    assert find_check("GPU").passed
    monkeypatch.setattr(gpus, "NVIDIA_DEVICE", tmp_path)
    assert not find_check("GPU").passed


def test_run_compute_checks_readable_token_is_made_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first = find_check("token")
    assert first.passed
    file = tmp_path / ".ray" / "auth_token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(secret := file.read_text()) == 64
    file.chmod(0o644)
    second = find_check("token")
    assert second.passed
    assert second.text != first.text
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == secret
