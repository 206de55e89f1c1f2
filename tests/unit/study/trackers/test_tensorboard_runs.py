"""Event files, as TensorBoard reads them."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata

from reports.ledger.ledger import Ledger
from study.runtime.lock import lock_study
from study.trackers.runs import EPOCH_METRICS, Run, StudyRuns, read_runs
from study.trackers.tensorboard_runs import write_tensorboard_runs
from tests.helpers.ledger_entries import log_start
from tests.helpers.search_builder import build_search
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial


def write(ledger: Ledger, folder: Path) -> StudyRuns:
    study_runs = read_runs(ledger, datetime.now(UTC))
    names: list[str] = []
    write_tensorboard_runs(ledger, study_runs, folder, on_run=names.append)
    assert names == [run.name for run in study_runs.runs]
    return study_runs


def load(folder: Path, run: Run) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder / run.trial.id), size_guidance={"scalars": 0})
    accumulator.Reload()
    return accumulator


def read_status(accumulator: EventAccumulator) -> int | None:
    contents = accumulator.PluginTagToContent(metadata.PLUGIN_NAME)
    content = contents.get(metadata.SESSION_END_INFO_TAG)
    if content is None:
        return None
    return int(metadata.parse_session_end_info_plugin_data(content).status)


def test_write_tensorboard_runs_epochs_have_values_steps_and_times(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = write(ledger, tmp_path).runs[0]
    events = load(tmp_path, run)
    for name in EPOCH_METRICS:
        scalars = events.Scalars(f"epoch/{name}")
        assert [scalar.step for scalar in scalars] == [*range(1, 31)]
        assert [scalar.value for scalar in scalars] == pytest.approx(
            [getattr(epoch, name) for epoch in run.epochs]
        )
        assert [scalar.wall_time for scalar in scalars] == [
            end.timestamp() for end in run.list_epoch_ends()
        ]


def test_write_tensorboard_runs_complete_trial_has_scores_and_images_of_val_and_test(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = write(ledger, tmp_path).runs[0]
    events = load(tmp_path, run)
    assert run.record is not None
    assert {"val_macro_f1", "test_macro_f1"} <= run.scores.keys()
    for name, value in run.scores.items():
        (scalar,) = events.Scalars(f"score/{name}")
        assert (scalar.value, scalar.step) == (pytest.approx(value), run.record.best_epoch)
    assert {*events.Tags()["images"]} == {"confusion/val", "confusion/test"}
    (image,) = events.Images("confusion/test")
    assert Image.open(io.BytesIO(image.encoded_image_string)).size == (image.width, image.height)
    (text,) = events.Tensors("facts/text_summary")
    assert "SYNTHETIC" in text.tensor_proto.string_val[0].decode()


def test_write_tensorboard_runs_hparams_have_settings_times_and_status(
    ledger: Ledger, tmp_path: Path
) -> None:
    complete_run, failed_run = write(ledger, tmp_path).runs
    events = load(tmp_path, complete_run)
    contents = events.PluginTagToContent(metadata.PLUGIN_NAME)
    start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
    assert {*start.hparams} == complete_run.settings.keys()
    assert start.hparams["optimizer"].string_value == "sgd"
    assert start.hparams["learning_rate"].number_value == 0.01
    assert start.start_time_secs == complete_run.started_at.timestamp()
    assert read_status(events) == api_pb2.STATUS_SUCCESS
    assert read_status(load(tmp_path, failed_run)) == api_pb2.STATUS_FAILURE


def test_write_tensorboard_runs_pruned_trial_is_no_success(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", ended_by=None)
    runs = write(ledger, tmp_path).runs
    statuses = {run.state: read_status(load(tmp_path, run)) for run in runs}
    assert statuses == {"complete": api_pb2.STATUS_SUCCESS, "pruned": api_pb2.STATUS_UNKNOWN}


def test_write_tensorboard_runs_running_trial_has_epochs_and_no_end(
    ledger: Ledger, tmp_path: Path
) -> None:
    add_checkpoint(ledger, epochs=2)
    log_start(ledger, find_unfinished_trial(ledger).id)
    with lock_study(ledger.location):
        run = write(ledger, tmp_path).runs[-1]
    events = load(tmp_path, run)
    assert [scalar.step for scalar in events.Scalars("epoch/val_loss")] == [1, 2]
    assert read_status(events) is None
    assert "score/val_macro_f1" not in events.Tags()["scalars"]
