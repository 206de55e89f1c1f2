"""From checked settings to a study that runs: what `grid`, `search` and `resume` share.

Modules that import torch, ray or pandas are imported when they are needed: a wrong option is
refused before that.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from bloodnets.errors import ConflictError, DataError
from study.cli.arguments import suggest_studies
from study.cli.option_groups import RunOptions
from study.lifecycle.preflight import check_location

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.configs.study_config import GridConfig, SearchConfig


def launch(
    config: "GridConfig | SearchConfig", load_cells: Callable[[], "BloodCells"], run: RunOptions
) -> None:
    """Run a study, or print its plan.

    Args:
        config: Checked settings.
        load_cells: Function that loads the data to train on.
        run: Whether to resume the study, to print only its plan, and what to print.

    Raises:
        typer.Exit: With code 1 if a trial failed.
        StudyError: As raised by what it calls.
    """
    if run.allow_code_change and not run.resume:
        raise DataError("--allow-code-change needs --resume", remedy="give --resume too")
    _check_location(config, resume=run.resume)
    # One CPU is always there, and importing Ray takes a second.
    if config.address is not None or config.gpus_per_trial or config.cpus_per_trial > 1:
        from study.runtime.resources import check_compute

        check_compute(config)
    if run.dry_run:
        from study.lifecycle.dry_run import print_dry_run

        print_dry_run(config, load_cells)
        return
    cells = load_cells()
    from study.tuning.run import run_study

    if not run_study(
        config,
        cells,
        command=("bloodstudy", *sys.argv[1:]),
        resume=run.resume,
        allow_code_change=run.allow_code_change,
        quiet=run.quiet,
    ):
        raise typer.Exit(1)


def _check_location(config: "GridConfig | SearchConfig", *, resume: bool) -> None:
    """Refuse a location that cannot be used; suggest names of studies to resume."""
    try:
        check_location(config.location, resume=resume)
    except ConflictError as error:
        if not resume:
            raise
        raise suggest_studies(error, config.storage_root, config.name) from error.__cause__
