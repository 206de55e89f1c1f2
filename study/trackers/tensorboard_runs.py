"""Write the runs of a study as event files for TensorBoard."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from torch.utils.tensorboard import SummaryWriter

from reports.format.escape import escape_markdown
from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressState
from study.trackers.confusion_images import draw_confusions
from study.trackers.runs import EPOCH_METRICS, Run, StudyRuns

_STATUSES = {
    ProgressState.COMPLETE: api_pb2.STATUS_SUCCESS,
    ProgressState.FAILED: api_pb2.STATUS_FAILURE,
    # TensorBoard has no status for a trial that was stopped; it must not count as a full one.
    ProgressState.PRUNED: api_pb2.STATUS_UNKNOWN,
}


def write_tensorboard_runs(
    ledger: Ledger, study_runs: StudyRuns, folder: Path, *, on_run: Callable[[str], None]
) -> None:
    """Write each run to a subfolder with the id of its trial.

    Args:
        ledger: Ledger of the study.
        study_runs: Runs of the study.
        folder: Existing, empty folder.
        on_run: Function that is called with the name of each run before it is written.

    Raises:
        ConflictError: The predictions of a trial are unreadable.
        OSError: The folder cannot be written.
    """
    for run in study_runs.runs:
        on_run(run.name)
        with SummaryWriter(folder / run.trial.id) as writer:
            _write_settings(writer, run)
            _write_epochs(writer, run)
            _write_outcome(writer, ledger, run, {**study_runs.facts, **run.facts})


def _write_settings(writer: SummaryWriter, run: Run) -> None:
    """Write the settings, which are the columns of the HParams page."""
    start_s = run.started_at.timestamp()
    # Without an id, TensorBoard would give runs with equal settings a common row.
    summary = hparams_pb(run.settings, trial_id=run.trial.id, start_time_secs=start_s)
    _add_summary(writer, summary, start_s)


def _write_epochs(writer: SummaryWriter, run: Run) -> None:
    for epoch, ended_at in zip(run.epochs, run.list_epoch_ends(), strict=True):
        for name in EPOCH_METRICS:
            value = getattr(epoch, name)
            writer.add_scalar(f"epoch/{name}", value, epoch.epoch, walltime=ended_at.timestamp())


def _write_outcome(
    writer: SummaryWriter, ledger: Ledger, run: Run, facts: Mapping[str, str]
) -> None:
    """Write the facts and, for a trial that has ended, scores, matrices, end and status."""
    if run.record is None or run.ended_at is None:
        writer.add_text("facts", _format_table(facts), walltime=run.started_at.timestamp())
        return
    step, end_s = run.record.best_epoch or 0, run.ended_at.timestamp()
    writer.add_text("facts", _format_table(facts), step, walltime=end_s)
    for name, value in run.scores.items():
        writer.add_scalar(f"score/{name}", value, step, walltime=end_s)
    for split, png in draw_confusions(ledger, run):
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        writer.add_image(f"confusion/{split}", pixels, step, walltime=end_s, dataformats="HWC")
    session_end = plugin_data_pb2.SessionEndInfo(status=_STATUSES[run.state], end_time_secs=end_s)
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(
            plugin_data_pb2.HParamsPluginData(session_end_info=session_end)
        ),
        tensor=metadata.NULL_TENSOR,
    )
    _add_summary(writer, Summary(value=[value]), end_s)


def _add_summary(writer: SummaryWriter, summary: Summary, time_s: float) -> None:
    # PyTorch sets `file_writer`, but its type annotation says None.
    writer.file_writer.add_summary(summary, walltime=time_s)  # type: ignore[attr-defined]


def _format_table(facts: Mapping[str, str]) -> str:
    rows = [
        f"| {escape_markdown(name)} | {escape_markdown(text)} |" for name, text in facts.items()
    ]
    return "\n".join(["| field | value |", "|---|---|", *rows])
