"""The whole command on real Ray, on a handful of drawn cells; faults are in `tests/faults`."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from bloodnets.config import TrialConfig
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from study.configs.presets import CONFIGURATIONS, PUBLISHED
from tests.helpers import grid_builder
from tests.helpers.cli_runs import RunHere
from tests.helpers.command import INSTALLED_COMMAND, run_command

HOSTILE = (
    # Settings of a cluster, of Tune and of other programs that use Ray.
    {"RAY_TMPDIR": "/nonexistent", "TUNE_RESULT_BUFFER_LENGTH": "10", "RAY_USE_TLS": "1"}
    | {"RAY_OVERRIDE_RESOURCES": '{"CPU": 0}', "RAY_AUTH_TOKEN_PATH": "/nonexistent"}
    | {"RAY_CLIENT_MODE": "1", "RAY_LOG_TO_STDERR": "1", "RAY_grpc_enable_http_proxy": "1"}
    | dict.fromkeys(
        (
            "RAY_AUTH_MODE",
            "RAY_JOB_CONFIG_JSON_ENV_VAR",
            "RAY_REDIS_ADDRESS",
            "RAY_RUNTIME_ENV_HOOK",
            "RAY_TUNE_CALLBACKS",
            "TUNE_GLOBAL_CHECKPOINT_S",
            "TUNE_MAX_PENDING_TRIALS_PG",
            "TUNE_RESULT_DIR",
            # Settings of other libraries.
            "JOBLIB_MULTIPROCESSING",
            "KMP_AFFINITY",
            "MPLBACKEND",
            "NETWORKX_BACKEND_PRIORITY",
            "OMP_NUM_THREADS",
            "OPTUNA_STORAGE",
            "PANDAS_FUTURE",
            "PYTORCH_JIT",
            "SKLEARN_WORKING_MEMORY",
            "TERMINAL_WIDTH",
            "TORCH_LOGS",
            "TQDM_MININTERVAL",
            # The terminal and the time zone.
            "COLUMNS",
            "TERM",
            "TZ",
        ),
        "nonsense",
    )
    | dict.fromkeys(("GIT_DIR", "HOME", "MPLCONFIGDIR", "SSL_CERT_FILE", "TMPDIR"), "/nonexistent")
    | dict.fromkeys(("all_proxy", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    | {"PYTHONWARNINGS": "error", "PYTHONASYNCIODEBUG": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    | {"RANK": "3", "WORLD_SIZE": "8", "MASTER_ADDR": "nonsense"}
)
"""Environment of shells, notebooks and clusters, with values that do harm to other programs."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grid")


@pytest.fixture(scope="session")
def data_file(folder: Path) -> Path:
    path = folder / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.02))
    return path


@pytest.fixture(scope="session")
def whole_grid(folder: Path, data_file: Path) -> tuple[subprocess.CompletedProcess[str], Ledger]:
    """All eight configurations, two epochs each."""
    words = command(folder, data_file, "whole", "--max-epochs", "2")
    done = subprocess.run([INSTALLED_COMMAND, *words], capture_output=True, text=True, check=False)
    return done, Ledger(folder / "whole")


def command(folder: Path, data_file: Path, name: str, *options: str) -> list[str]:
    return [
        "grid", "--data-file", str(data_file), "--storage", str(folder), "--name", name, *options
    ]  # fmt: skip


def grid(
    folder: Path, data_file: Path, name: str, *options: str
) -> subprocess.CompletedProcess[str]:
    return run_command(*command(folder, data_file, name, *options))


PHASES = [
    "reading data …",
    "loading Ray …",
    "checking data and software …",
    "starting Ray …",
    "stopping Ray …",
    "writing the report …",
]


def models(ledger: Ledger) -> dict[str, str]:
    return {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((ledger.folder / "models").iterdir())
    }


def test_grid_trains_and_reports_all_eight(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    done, ledger = whole_grid
    assert done.returncode == 0, done.stderr
    assert ledger.study.command[:3] == ("bloodstudy", "grid", "--data-file")
    trials = ledger.read_trials()
    assert [trial.configuration for trial in trials] == list(PUBLISHED)
    for trial in trials:
        assert (trial.state, trial.epochs, trial.attempts) == ("complete", 2, 1)
        assert [epoch.epoch for epoch in ledger.read_epochs(trial.id)] == [1, 2]
        best = max(ledger.read_epochs(trial.id), key=lambda epoch: epoch.val_macro_f1)
        assert best.val_macro_f1 == pytest.approx(trial.scores["val"]["macro_f1"])
        assert (trial.parameters, trial.operations) == grid_builder.FAMILY_COSTS[
            trial.config["family"]
        ]
        for name, sha256 in trial.files.items():
            assert hashlib.sha256((ledger.folder / name).read_bytes()).hexdigest() == sha256
    assert sorted(
        evaluation.trial_id for evaluation in ledger.log.read_test_evaluations()
    ) == sorted(trial.id for trial in trials)
    assert (ledger.folder / "report" / "index.html").is_file()


def test_grid_output_has_comparison_and_report_but_nothing_of_ray(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    done, ledger = whole_grid
    for family in ("mlnn", "cnn"):
        assert f"{family}-config-1 = 3" in done.stdout
        assert f"{family}-config-2 = 4" in done.stdout
    assert done.stdout.splitlines()[-1] == f"Report: {ledger.folder / 'report' / 'index.html'}"
    assert "epoch 2/2" in done.stderr
    assert "Trials take 1 core each: " in done.stderr
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert [line for line in lines if line.endswith(" …")] == PHASES
    others = "\n".join(line for line in lines if line not in PHASES)
    assert "ray" not in others.lower().replace("array", "")
    assert "Started a local Ray instance" in (ledger.folder / "ray.log").read_text()


def test_grid_leaves_only_the_ledger(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole_grid
    assert sorted(path.name for path in ledger.folder.iterdir()) == [
        "epochs", "events.jsonl", "models", "predictions", "ray.log", "report", "study.json",
        "trials",
    ]  # fmt: skip


def test_grid_predictions_of_both_losses_are_equal_to_the_bit(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole_grid
    by_name = {trial.configuration: trial.id for trial in ledger.read_trials()}
    for family in ("mlnn", "cnn"):
        for one, other in ((1, 3), (2, 4)):
            same_loss_trials = [by_name[f"{family}-config-{number}"] for number in (one, other)]
            first, second = (read_predictions(ledger, trial, "test") for trial in same_loss_trials)
            np.testing.assert_array_equal(first.probabilities, second.probabilities)
            np.testing.assert_array_equal(first.labels, second.labels)


def test_grid_weights_reproduce_the_predictions(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger], data_file: Path
) -> None:
    import torch

    from bloodnets.training.evaluation import predict_probabilities

    _, ledger = whole_grid
    images = torch.from_numpy(np.load(data_file)["test_images"])
    for trial in ledger.read_trials():
        config = TrialConfig.from_dict(trial.config)
        model = build_model(config, BLOODMNIST_SHAPE)
        model.load_state_dict(load_file(ledger.folder / f"models/{trial.id}.safetensors"))
        np.testing.assert_allclose(
            predict_probabilities(model, images, config.loss),
            read_predictions(ledger, trial.id, "test").probabilities,
            atol=1e-6,  # the trial ran on one thread
        )


def test_grid_run_twice_gives_weights_equal_to_the_bit(
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
    folder: Path,
    data_file: Path,
    train: RunHere,
) -> None:
    """In another process, another order of trials and with other neighbors."""
    _, ledger = whole_grid
    words = command(
        folder, data_file, "again", "--max-epochs", "2", "--max-concurrent", "1",
        "--config", "mlnn-config-2", "--config", "cnn-config-1",
    )  # fmt: skip
    done = train(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    again = models(Ledger(folder / "again"))
    assert len(again) == 2
    assert again.items() <= models(ledger).items()


def test_grid_with_a_diverging_trial_fails_it_once_and_continues(
    folder: Path,
    data_file: Path,
    train: RunHere,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The learning rate ends the trial of `cnn-config-1` in the first epoch."""
    diverging = replace(CONFIGURATIONS["cnn-config-1"], learning_rate=1e30)
    monkeypatch.setitem(CONFIGURATIONS, "cnn-config-1", diverging)
    words = ["--max-epochs", "1", "--max-concurrent", "1"]
    words += ["--config", "cnn-config-1", "--config", "cnn-config-2"]
    done = train(*command(folder, data_file, "diverging", *words), folder=folder)
    assert done.returncode == 1, done.stderr
    terminal = capfd.readouterr().err
    failed, complete = Ledger(folder / "diverging").read_trials()
    assert (failed.state, failed.stop_reason, failed.attempts) == ("failed", "error", 1)
    assert failed.error is not None
    assert "loss is" in failed.error
    assert "epoch 1, step" in failed.error
    assert complete.state == "complete"
    assert "tried again" not in terminal
    assert "failed (NonFiniteLossError" in terminal
    assert (folder / "diverging" / "report" / "index.html").is_file()


def test_dry_run_prints_the_plan_and_leaves_nothing(folder: Path, data_file: Path) -> None:
    done = grid(folder, data_file, "dry", "--seeds", "2", "--max-epochs", "3", "--dry-run")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert f"16 trials in {folder / 'dry'}: at most 48 epochs, 147 MB" in words
    assert "cells.npz, SHA-256" in words
    assert not (folder / "dry").exists()


def test_grid_hostile_environment_gives_the_same_weights(
    tmp_path: Path,
    data_file: Path,
    whole_grid: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    (tmp_path / "matplotlibrc").write_text("nonsense.key: 1\nfont.size: 40\n")
    words = ["--config", "mlnn-config-1", "--max-epochs", "2"]
    done = run_command(
        *command(tmp_path, data_file, "s", *words), folder=tmp_path, environment=HOSTILE
    )
    assert done.returncode == 0, done.stderr
    first_line, *other_lines = done.stderr.splitlines()
    assert first_line.endswith(" CUDA_VISIBLE_DEVICES")  # named, because it hides GPUs
    phases = [phase.replace("…", "...") for phase in PHASES]
    others = [line for line in other_lines if line not in phases]
    assert all(": " in line or " ended after " in line for line in others)  # only about trials
    ledger = Ledger(tmp_path / "s")
    (trial,) = ledger.read_trials()
    expected = whole_grid[1].folder
    for name in (f"models/{trial.id}.safetensors", f"predictions/{trial.id}.npz"):
        assert (ledger.folder / name).read_bytes() == (expected / name).read_bytes()
    assert (ledger.folder / "report/index.html").exists()
