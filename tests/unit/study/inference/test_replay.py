"""A trial trained again: equal to the bit, or how far from it; which trial, and on which data."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ConflictError, DataError, ResourceError
from bloodnets.training.checkpoint import serialize_model
from bloodnets.training.loop import NonFiniteLossError, train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import (
    SCHEMA_VERSION,
    EpochRecord,
    HardwareRecord,
    ResourcesRecord,
    StudyRecord,
    TrialRecord,
    compute_fingerprint,
)
from reports.ledger.states import StopReason, StudyKind, TrialState
from study.configs.presets import PUBLISHED
from study.configs.study_config import make_planned_trial
from study.datasets.data_record import make_data_record
from study.inference.replay import format_replay_lines, replay_trial
from tests.helpers.grid_builder import GRID_RECORD, SOFTWARE, add_complete_trial
from tests.helpers.ledger_entries import add_trial

CPU = torch.device("cpu")
CONFIG = replace(PUBLISHED["mlnn-config-2"], batch_size=16, max_epochs=2, patience=2)
RESOURCES = ResourcesRecord(
    cpus_per_trial=1, gpus_per_trial=0.0, max_concurrent=None, cluster_address=None
)


def study(cells: BloodCells, trials: tuple[PlannedTrial, ...], **changes: Any) -> StudyRecord:
    data = make_data_record(cells)
    record = StudyRecord(
        schema_version=SCHEMA_VERSION,
        name="s",
        kind=StudyKind.GRID,
        fingerprint=compute_fingerprint(data, [trial.id for trial in trials], SOFTWARE, None),
        created_at="",
        command=("bloodstudy", "grid"),
        data=data,
        trials=trials,
        grid=GRID_RECORD,
        search=None,
        resources=RESOURCES,
        hardware=HardwareRecord(cpu="x", cores=2, memory_mib=1, gpus=()),
        software=SOFTWARE,
    )
    return replace(record, **changes)


def trained(
    folder: Path, cells: BloodCells, config: TrialConfig = CONFIG, *, epochs: int = 9
) -> Ledger:
    """A study of one trial, that ran as if ASHA had stopped it after `epochs`."""
    planned = make_planned_trial("mlnn-config-2", config)
    ledger = create_study(folder / "s", study(cells, (planned,)))
    splits = {name: DeviceSplit.from_numpy(getattr(cells, name), CPU) for name in ("train", "val")}
    state, rows, error = TrainingState.create(config, BLOODMNIST_SHAPE, CPU), [], None
    try:
        for result in train(state, config, train_split=splits["train"], val_split=splits["val"]):
            rows.append(EpochRecord(**asdict(result)))
            if len(rows) == epochs:
                break
    except NonFiniteLossError as found:
        error = str(found)
    complete = len(rows) == config.max_epochs and error is None
    record = TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=ledger.study.fingerprint,
        software_sha256=SOFTWARE.sha256,
        operations=1 if complete else None,
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        stop_reason=StopReason.DIVERGED
        if error
        else StopReason.MAX_EPOCHS
        if complete
        else StopReason.ASHA,
        error=error,
        attempts=1,
        epochs=len(rows),
        best_epoch=state.best_epoch or None,
        started_at="",
        duration_s=1,
        device="cpu" if complete else None,
        host="here" if complete else None,
        versions=None,
        parameters=1 if complete else None,
        scores={"val": {}} if complete else {},
        files={},
    )
    if complete:
        model = serialize_model(state.best_weights, config)
        add_complete_trial(
            ledger, record, epochs=rows, model=model, predictions=b"none", test_reason=None
        )
    else:
        add_trial(ledger, record, epochs=rows, test_reason=None)
    return ledger


def test_replay_trial_complete_trial_is_equal_to_the_bit(tmp_path: Path, cells: BloodCells) -> None:
    found = replay_trial(trained(tmp_path, cells), "mlnn-config-2-s0", cells)
    assert found.n_epochs == 2
    assert set(found.max_deviations.values()) == {0.0}
    assert found.max_weight_deviation == 0.0
    said = list(format_replay_lines(found))
    assert said[0].startswith("mlnn-config-2-s0: MLNN, Adam, learning rate 0.001, dropout 0.2, s")
    assert said[1] == "2 epochs re-trained: largest deviation 0 in every metric"
    assert said[2] == "best weights: bit-identical"


def test_replay_trial_pruned_trial_compares_the_epochs_it_ran(
    tmp_path: Path, cells: BloodCells
) -> None:
    told: list[str] = []
    ledger = trained(tmp_path, cells, epochs=1)
    found = replay_trial(ledger, "mlnn-config-2", cells, on_epoch=told.append)
    assert (found.n_epochs, found.max_weight_deviation, found.divergence_message) == (1, None, None)
    assert set(found.max_deviations.values()) == {0.0}
    assert told == ["mlnn-config-2-s0: epoch 1 of 1"]


def test_replay_trial_diverged_trial_diverges_at_the_same_step(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = trained(tmp_path, cells, replace(CONFIG, learning_rate=1e30))
    record = ledger.read_trial(ledger.list_planned_trials()[0])
    assert record is not None
    assert record.stop_reason == "diverged"
    found = replay_trial(ledger, "mlnn-config-2", cells)
    assert found.divergence_message == record.error
    assert list(format_replay_lines(found))[-1] == f"training diverged: {record.error}"


def test_replay_trial_changed_record_gives_its_deviation(tmp_path: Path, cells: BloodCells) -> None:
    ledger = trained(tmp_path, cells)
    planned = ledger.list_planned_trials()[0]
    path = ledger.folder / "epochs" / f"{planned.id}.jsonl"
    first, second = ledger.read_epochs(planned.id)
    changed = replace(second, val_macro_f1=second.val_macro_f1 + 0.25)
    rows = [asdict(first), asdict(changed)]
    path.write_text("\n".join(str(row).replace("'", '"') for row in rows))
    found = replay_trial(ledger, planned.id, cells)
    assert found.max_deviations["val_macro_f1"] == pytest.approx(0.25)
    assert found.max_deviations["train_loss"] == 0
    assert "largest deviation 0.25 (train loss 0, " in list(format_replay_lines(found))[1]


def test_replay_trial_other_weights_give_their_deviation(tmp_path: Path, cells: BloodCells) -> None:
    ledger = trained(tmp_path, cells)
    other = TrainingState.create(CONFIG, BLOODMNIST_SHAPE, CPU)
    path = ledger.folder / "models" / f"{ledger.list_planned_trials()[0].id}.safetensors"
    path.write_bytes(serialize_model(dict(other.model.state_dict()), CONFIG))
    found = replay_trial(ledger, "mlnn-config-2", cells)
    assert found.max_weight_deviation is not None
    assert 0 < found.max_weight_deviation < 1
    path.write_bytes(b"no weights")
    with pytest.raises(ConflictError) as caught:
        replay_trial(ledger, "mlnn-config-2", cells)
    assert caught.value.path == str(path)


def test_replay_trial_uses_the_studys_threads_and_restores_them(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = trained(tmp_path, cells, epochs=1)
    ledger = Ledger(ledger.folder)
    ledger.study = replace(ledger.study, resources=replace(RESOURCES, cpus_per_trial=2))
    threads: list[int] = []
    replay_trial(
        ledger, "mlnn-config-2", cells, on_epoch=lambda _: threads.append(torch.get_num_threads())
    )
    assert threads == [2]
    assert torch.get_num_threads() == 1


def test_replay_trial_of_a_gpu_without_a_gpu_raises(
    tmp_path: Path, cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = trained(tmp_path, cells, epochs=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ledger.study = replace(ledger.study, resources=replace(RESOURCES, gpus_per_trial=0.25))
    with pytest.raises(ResourceError) as caught:
        replay_trial(ledger, "mlnn-config-2", cells)
    assert ledger.study.name in caught.value.problem


def test_replay_trial_unfinished_trial_raises(tmp_path: Path, cells: BloodCells) -> None:
    planned = make_planned_trial("mlnn-config-2", CONFIG)
    ledger = create_study(tmp_path / "s", study(cells, (planned,)))
    with pytest.raises(DataError) as caught:
        replay_trial(ledger, "mlnn-config-2", cells)
    assert caught.value.value == planned.id
