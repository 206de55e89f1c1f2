"""Environment variables that would change the outcome of a command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bloodnets.errors import DataError
from study.runtime.environment import (
    RAY_ADDRESS,
    RAY_ENVIRONMENT,
    list_variables_in_effect,
    prepare_ray_environment,
    require_utf8_names,
)

FROM_A_CLUSTER = {
    "RAY_OVERRIDE_RESOURCES": '{"CPU": 0}',
    "RAY_JOB_CONFIG_JSON_ENV_VAR": "{",
    "RAY_AUTH_MODE": "token",
}

FROM_ANOTHER_PROGRAM = {
    "TUNE_RESULT_DIR": "/nonexistent",
    "TUNE_GLOBAL_CHECKPOINT_S": "x",
    "RAY_TUNE_CALLBACKS": "nonsense",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Replace the environment by variables that would change a study, and return it."""
    variables = (
        FROM_A_CLUSTER
        | FROM_ANOTHER_PROGRAM
        | {"RAY_memory_usage_threshold": "0.9", RAY_ADDRESS: "head:6379", "PATH": "/bin"}
    )
    monkeypatch.setattr(os, "environ", variables)
    return variables


def test_prepare_ray_environment_local_ray_keeps_only_memory_limits_and_the_address(
    environment: dict[str, str],
) -> None:
    prepare_ray_environment(None)
    assert environment.pop("PYTEST_CURRENT_TEST")
    assert environment == RAY_ENVIRONMENT | {
        "RAY_memory_usage_threshold": "0.9",
        RAY_ADDRESS: "head:6379",
        "PATH": "/bin",
    }


def test_prepare_ray_environment_cluster_keeps_the_settings_of_the_cluster(
    environment: dict[str, str],
) -> None:
    prepare_ray_environment("head:6379")
    assert environment.items() >= (FROM_A_CLUSTER | RAY_ENVIRONMENT).items()
    assert not environment.keys() & (FROM_ANOTHER_PROGRAM.keys() - RAY_ENVIRONMENT.keys())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (None, ["MKL_CBWR", "RAY_memory_usage_threshold"]),
        ("other:6379", ["MKL_CBWR", *FROM_A_CLUSTER, "RAY_memory_usage_threshold"]),
        ("head:6379", ["MKL_CBWR", *FROM_A_CLUSTER, RAY_ADDRESS, "RAY_memory_usage_threshold"]),
    ],
)
def test_list_variables_in_effect_names_what_changes_a_study(
    address: str | None, expected: list[str], environment: dict[str, str]
) -> None:
    environment |= {"MKL_CBWR": "COMPATIBLE", "RAY_CLIENT_MODE": "0"}  # Ray sets it for each job
    prepare_ray_environment(address)
    assert list_variables_in_effect(address) == sorted(expected)


def test_require_utf8_names_argument_in_another_encoding_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_utf8_names()
    name = os.fsdecode(b"c\xe9lls.npz")
    monkeypatch.setattr(sys, "argv", ["bloodstudy", "grid", "--data-file", name])
    with pytest.raises(DataError) as caught:
        require_utf8_names()
    assert caught.value.value == name


def test_require_utf8_names_folder_in_another_encoding_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"r\xe9sultats")
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(DataError) as caught:
        require_utf8_names()
    assert caught.value.value == str(folder)


PREPARE = """
import os, subprocess, sys, warnings
from study.runtime.environment import prepare_environment
prepare_environment()
warnings.warn("a library's warning")
subprocess.run([sys.executable, "-c", "import warnings; warnings.warn('x')"], check=True)
import joblib, matplotlib, networkx, pandas, sklearn.linear_model, torch
print(matplotlib.get_backend())
print({name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")})
"""


def test_prepare_environment_settings_of_other_programs_do_not_end_a_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "matplotlibrc").write_text("nonsense.key: 1\nbackend: nonsense\n")
    hostile = {
        "JOBLIB_MULTIPROCESSING": "nonsense",
        "MLFLOW_TRACKING_URI": "nonsense",
        "MPLBACKEND": "nonsense",
        "MPLCONFIGDIR": "/proc/x",
        "NETWORKX_BACKEND_PRIORITY": "nonsense",
        "PANDAS_FUTURE": "nonsense",
        "PYTHONWARNINGS": "error",
        "PYTORCH_JIT": "nonsense",
        "SKLEARN_WORKING_MEMORY": "nonsense",
        "TORCH_LOGS": "nonsense",
    }
    done = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=tmp_path,
        env=os.environ | hostile | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["agg", "{'MLFLOW_DISABLE_TELEMETRY': 'true'}"]
    assert "nonsense" not in done.stderr
