"""From checked settings to a study that runs: what `grid`, `search` and `resume` share.

Modules that import torch, ray or pandas are imported when they are needed: a wrong option is
refused before that, and the first line is printed.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import typer

from bloodnets.errors import ConflictError, DataError
from study.cli.arguments import suggest_studies
from study.cli.option_groups import RunOptions
from study.lifecycle.preflight import check_location

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.configs.study_config import GridConfig, SearchConfig

LoadCells = Callable[[AbstractContextManager[None]], "BloodCells"]
"""Loads the data to train on. The argument is a context that shows that data are being read, not
to be entered while a file is downloaded: that has a progress bar of its own."""


def launch(config: "GridConfig | SearchConfig", load_cells: LoadCells, run: RunOptions) -> None:
    """Run a study, or print its plan.

    Args:
        config: Checked settings.
        load_cells: Function that loads the data.
        run: Whether to resume the study, to print only its plan, and what to print.

    Raises:
        typer.Exit: With code 1 if a trial failed.
        StudyError: As raised by what it calls.
    """
    if run.allow_code_change and not run.resume:
        raise DataError("--allow-code-change needs --resume", remedy="give --resume too")
    _check_location(config, resume=run.resume)
    from rich.console import Console

    from study.console.phase import show_phase

    console = Console(stderr=True, quiet=run.quiet)
    # One CPU is always there, and importing Ray takes a second.
    if config.address is not None or config.gpus_per_trial or config.cpus_per_trial > 1:
        with show_phase(console, "checking resources …"):
            from study.runtime.resources import check_compute

            check_compute(config)
    reading = show_phase(console, "reading data …")
    if run.dry_run:
        from study.lifecycle.dry_run import print_dry_run

        print_dry_run(config, partial(load_cells, reading))
        return
    cells = load_cells(reading)
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
