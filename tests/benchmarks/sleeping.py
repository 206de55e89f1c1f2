"""Stand-in for training in `tests/benchmarks` that sleeps and reports as training does.

Its processes import the same modules as those of real trials, including torch.
"""

import hashlib
import io
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from ray import tune

from bloodnets import trainable
from bloodnets.messages import EpochReport, TrialOutcome, make_result, read_spec
from bloodnets.reporter import TrialReporter
from bloodnets.training.epoch_result import EpochResult
from bloodnets.versions import collect_versions


@dataclass(frozen=True, slots=True)
class SleepConfig:
    """Settings of sleeping trials, which the tuner passes on in place of the data.

    Attributes:
        epochs: Number of epochs per trial.
        epoch_s: Duration of an epoch, in seconds.
    """

    epochs: int
    epoch_s: float


def run_trial(tune_config: Mapping[str, object], *, cells: SleepConfig) -> None:
    """Sleep, and send the same reports and files as `trainable.run_trial`, but small ones."""
    spec, start_s = read_spec(tune_config), time.perf_counter()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    storage = trainable._open_study_storage(spec)
    reporter = TrialReporter(
        lambda report: tune.report(make_result(report)),
        rungs=spec.rungs,
        interval_s=spec.report_interval_s,
    )
    for epoch in range(1, cells.epochs + 1):
        time.sleep(cells.epoch_s)
        result = make_epoch_result(epoch, spec.id, cells.epoch_s)
        reporter.add_epoch(
            EpochReport(result=result, best_val_macro_f1=result.val_macro_f1, restored=False)
        )
    evaluated_splits = ("val", "test") if spec.evaluate_test else ("val",)
    arrays = {
        f"{split}_{name}": array
        for split in evaluated_splits
        for name, array in (
            ("probabilities", np.eye(8, dtype=np.float32)),
            ("labels", np.arange(8, dtype=np.uint8)),
        )
    }
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    files = {
        f"models/{spec.id}.safetensors": bytes(1000),
        f"predictions/{spec.id}.npz": packed.getvalue(),
    }
    for name, content in files.items():
        trainable._write_file(storage, name, content)
    scores = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")
    outcome = TrialOutcome(
        stop_reason="max_epochs",
        best_epoch=cells.epochs,
        epochs=cells.epochs,
        started_at=started_at,
        duration_s=time.perf_counter() - start_s,
        device="cpu",
        # Includes the process id, so that a test can count processes.
        host=f"{socket.gethostname()}:{os.getpid()}",
        versions=collect_versions(),
        parameters=1000,
        operations=1000,
        scores={split: dict.fromkeys(scores, 1.0) for split in evaluated_splits},
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    reporter.end(outcome)


def make_epoch_result(epoch: int, trial_id: str, epoch_s: float) -> EpochResult:
    """Return a plausible epoch: scores rise over time and differ between trials."""
    limit = int(hashlib.sha256(trial_id.encode()).hexdigest()[:4], 16) / 2**16
    value = limit * (1 - 0.9**epoch)
    return EpochResult(
        epoch=epoch,
        train_loss=1 - value,
        val_loss=1 - value,
        val_accuracy=value,
        val_macro_f1=value,
        duration_s=epoch_s,
    )
