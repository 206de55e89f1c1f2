"""`bloodstudy replay`."""

from typing import Annotated

import typer

from study.cli import options
from study.cli.arguments import open_ledger


def replay(
    study: options.StudyArgument,
    trial: Annotated[
        str,
        typer.Argument(
            metavar="TRIAL", help="Name of the trial, as listed in the report, e.g. trial-17."
        ),
    ],
    *,
    data_file: options.StudyDataFileOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
) -> None:
    """Re-train one trial and report how much the result differs.

    Losses, val scores and weights are compared with the recorded ones. Nothing is
    written.

    Examples:
      bloodstudy replay STUDY trial-17
      bloodstudy replay STUDY cnn-config-1-s0 --data-file cells.npz
    """
    ledger = open_ledger(storage, study)
    from study.inference.trial_lookup import find_replayable_trial

    record = find_replayable_trial(ledger, trial)
    from study.datasets.lookup import load_study_data

    cells = load_study_data(ledger.study, data_file)
    from rich.console import Console

    from study.inference.replay import format_replay_lines, replay_trial

    with Console(stderr=True).status(f"{trial}: re-training the first epoch …") as status:
        replay_result = replay_trial(ledger, record.id, cells, on_epoch=status.update)
    for line in format_replay_lines(replay_result):
        typer.echo(line)
