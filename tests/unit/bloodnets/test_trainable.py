"""The function that Ray Tune runs, in a worker of a real Ray."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from ray import tune

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.messages import (
    EpochReport,
    FailureKind,
    TrialFailure,
    TrialOutcome,
    TrialReport,
    TrialSpec,
    read_report,
    read_spec,
)
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.storage.local import LocalStorage
from bloodnets.trainable import run_trial
from bloodnets.training.checkpoint import serialize_checkpoint
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.versions import collect_versions
from study.configs.presets import PUBLISHED
from study.runtime.tune_internals import patch_tune
from study.tuning.tune_adapters import PlanSearcher
from tests.helpers.imports import list_heavy_imports
from tests.helpers.specs import make_spec

CONFIG = replace(PUBLISHED["mlnn-config-2"], batch_size=64, max_epochs=2)
LONGER = replace(CONFIG, max_epochs=3)
PROBE_FILE = "checkpoints/.probe"


class Collector(tune.Callback):
    """Callback that keeps what workers report, and which trials raised, by the trial's id."""

    def __init__(self) -> None:
        self.reports: dict[str, list[TrialReport]] = defaultdict(list)
        self.raised: set[str] = set()

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, object], **info: object
    ) -> None:
        report = read_report(result)
        if report is not None:
            self.reports[get_id(trial)].append(report)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: object) -> None:
        self.raised.add(get_id(trial))


def get_id(trial: Any) -> str:
    return read_spec(trial.config).id


def list_epochs(reports: list[TrialReport]) -> list[EpochReport]:
    return [epoch for report in reports for epoch in report.epochs]


def get_outcome(reports: list[TrialReport]) -> TrialOutcome:
    outcome = reports[-1].end
    assert isinstance(outcome, TrialOutcome)
    return outcome


def make_checkpoint(config: TrialConfig, cells: BloodCells, *first_scores: float) -> bytes:
    """Return the checkpoint of a trial after its first epoch, or of as many as there are scores.

    Args:
        config: Configuration of the trial.
        cells: Data to train on.
        first_scores: Macro F1 on val to be recorded of each epoch.
    """
    cpu = torch.device("cpu")
    state = TrainingState.create(config, BLOODMNIST_SHAPE, cpu)
    train_split, val_split = (DeviceSplit.from_numpy(s, cpu) for s in (cells.train, cells.val))
    results = train(state, config, train_split=train_split, val_split=val_split)
    epochs = list(islice(results, len(first_scores) or 1))
    if first_scores:
        pairs = zip(epochs, first_scores, strict=True)
        epochs = [replace(epoch, val_macro_f1=score) for epoch, score in pairs]
    return serialize_checkpoint(
        state, config, study_fingerprint="f", epochs=epochs, duration_s=1000.0
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def collector(ray_folder: Path, folder: Path, cells: BloodCells) -> Collector:
    """Run one trial of each kind in one worker, which is reused."""
    spec = replace(make_spec(folder, PROBE_FILE), config=CONFIG)
    specs: list[TrialSpec] = [
        replace(spec, id="trained", evaluate_test=True),
        replace(spec, id="resumed"),
        replace(spec, id="worse", config=LONGER),
        replace(spec, id="elsewhere", probe_file="checkpoints/.another"),
        replace(spec, id="diverging", config=replace(CONFIG, learning_rate=1e30)),
        replace(spec, id="damaged"),
    ]
    storage = LocalStorage(folder)
    (folder / "checkpoints").mkdir()
    storage.write(PROBE_FILE, b"")
    checkpoints = {
        "resumed": make_checkpoint(CONFIG, cells),
        "worse": make_checkpoint(LONGER, cells, 0.9, 0.8),
        "damaged": b"{}" * 9,
    }
    for trial_id, content in checkpoints.items():
        storage.write(get_checkpoint_name(trial_id), content)
    collector = Collector()
    patch_tune()  # as before each run
    tune.Tuner(
        tune.with_resources(tune.with_parameters(run_trial, cells=cells), {"cpu": 1}),
        tune_config=tune.TuneConfig(
            reuse_actors=True,
            trial_name_creator=get_id,
            trial_dirname_creator=get_id,
            search_alg=PlanSearcher(specs),
            num_samples=len(specs),
            max_concurrent_trials=1,
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder / "tune"), callbacks=[collector], verbose=0
        ),
    ).fit()
    return collector


def test_run_trial_reports_each_epoch_and_then_the_outcome(collector: Collector) -> None:
    first, second = list_epochs(collector.reports["trained"])
    outcome = get_outcome(collector.reports["trained"])
    assert [report.result.epoch for report in (first, second)] == [1, 2]
    assert not first.restored
    values = [report.result.val_macro_f1 for report in (first, second)]
    assert second.best_val_macro_f1 == max(values)
    assert (outcome.stop_reason, outcome.epochs) == ("max_epochs", 2)
    assert outcome.best_epoch == 1 + values.index(max(values))
    assert outcome.parameters == 4_179_568
    assert outcome.device == "cpu"


def test_run_trial_evaluates_test_only_if_asked(collector: Collector) -> None:
    splits = {
        name: set(get_outcome(collector.reports[name]).scores) for name in ("trained", "resumed")
    }
    assert splits == {"trained": {"val", "test"}, "resumed": {"val"}}


def test_run_trial_that_evaluates_test_chooses_its_epoch_by_val(collector: Collector) -> None:
    """What it reports of each epoch is that of a trial that does not see test."""
    values = {
        name: [
            (report.result.val_accuracy, report.result.val_macro_f1, report.best_val_macro_f1)
            for report in list_epochs(collector.reports[name])
        ]
        for name in ("trained", "resumed")
    }
    assert len(values["trained"]) == 2
    assert values["trained"] == values["resumed"]


def test_run_trial_restored_epochs_report_the_best_so_far(collector: Collector) -> None:
    first, second = collector.reports["worse"][0].epochs
    assert (first.restored, second.restored) == (True, True)
    assert (second.result.val_macro_f1, second.best_val_macro_f1) == (0.8, 0.9)


def test_run_trial_writes_the_files_whose_hashes_it_reports(
    collector: Collector, folder: Path
) -> None:
    outcome = get_outcome(collector.reports["trained"])
    assert {*outcome.files} == {"models/trained.safetensors", "predictions/trained.npz"}
    for name, sha256 in outcome.files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256


def test_run_trial_reports_the_versions_of_its_process(collector: Collector) -> None:
    outcome = get_outcome(collector.reports["trained"])
    assert outcome.versions == collect_versions() | {"torch": torch.__version__}


def test_run_trial_with_a_checkpoint_resumes_to_the_same_weights(
    collector: Collector, folder: Path
) -> None:
    first, second = list_epochs(collector.reports["resumed"])
    outcome = get_outcome(collector.reports["resumed"])
    assert (first.restored, second.restored) == (True, False)
    assert outcome.duration_s > 1000  # with that of the epochs before
    trained, resumed = (folder / f"models/{name}.safetensors" for name in ("trained", "resumed"))
    assert trained.read_bytes() == resumed.read_bytes()


def test_run_trial_that_does_not_see_the_studys_folder_reports_a_missing_resource(
    collector: Collector, folder: Path
) -> None:
    failure = collector.reports["elsewhere"][-1].end
    assert isinstance(failure, TrialFailure)
    assert (failure.kind, failure.path) == (FailureKind.RESOURCE, str(folder))
    assert failure.remedy is not None
    assert "elsewhere" in collector.raised


def test_run_trial_non_finite_loss_is_reported_and_not_raised(collector: Collector) -> None:
    failure = collector.reports["diverging"][-1].end
    assert isinstance(failure, TrialFailure)
    assert failure.kind is FailureKind.NON_FINITE_LOSS
    assert "diverging" not in collector.raised


def test_run_trial_other_exception_is_reported_and_raised(collector: Collector) -> None:
    failure = collector.reports["damaged"][-1].end
    assert isinstance(failure, TrialFailure)
    assert failure.kind is FailureKind.ERROR
    assert "damaged" in collector.raised


# As `run_trial`, without Ray Tune, whose report needs a session.
TRAIN = """
import sys
from dataclasses import replace
import ray, torch
from bloodnets import metrics, trainable
from bloodnets.data.medmnist import Split
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import count_operations
from bloodnets.training.checkpoint import serialize_checkpoint
from bloodnets.training.evaluation import predict_probabilities
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from study.configs.presets import PUBLISHED
arrays, cpu = generate_synthetic_arrays(scale=0.01), torch.device("cpu")
images, labels = arrays["train_images"], arrays["train_labels"].ravel()
split = DeviceSplit.from_numpy(Split(images=images, labels=labels), cpu)
for name in ("cnn-config-1", "mlnn-config-2"):
    config = replace(PUBLISHED[name], max_epochs=1)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, cpu)
    epochs = list(train(state, config, train_split=split, val_split=split))
    serialize_checkpoint(state, config, study_fingerprint="f", epochs=epochs, duration_s=1.0)
    assert count_operations(state.model, BLOODMNIST_SHAPE) > 0
    probabilities = predict_probabilities(state.model, split.images, config.loss)
    assert metrics.compute_auc(labels, probabilities) >= 0
"""


def test_worker_imports_neither_the_compiler_nor_what_only_reports_need() -> None:
    found = list_heavy_imports(TRAIN)
    assert {"torch", "ray"} <= found
    assert not found & {
        "torch._dynamo", "sympy", "medmnist", "optuna", "scipy", "sklearn", "matplotlib"
    }  # fmt: skip
