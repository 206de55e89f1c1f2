"""Run a study from checked settings, for `grid`, `search` and `resume`.

Modules that import torch, ray or pandas are imported late. A wrong option is refused, and the first
line is printed, before these slow imports.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import typer

from bloodnets.errors import ConflictError, DataError
from study.cli.arguments import name_other_studies
from study.cli.option_groups import RunOptions
from study.lifecycle.preflight import check_location
from study.runtime.environment import (
    list_variables_in_effect,
    prepare_ray_environment,
    require_utf8_names,
)

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.configs.study_config import GridConfig, SearchConfig

LoadCells = Callable[[AbstractContextManager[None]], "BloodCells"]
"""Function that loads the data to train on.

Its argument is a context that shows that data are being read. The context is entered after a
download, because a download has its own progress bar.
"""


def launch(config: "GridConfig | SearchConfig", load_cells: LoadCells, run: RunOptions) -> None:
    """Run a study, or print its plan.

    Args:
        config: Checked settings.
        load_cells: Function that loads the data.
        run: Options that control how the study runs.

    Raises:
        typer.Exit: A trial failed; the exit code is 1.
        StudyError: The study cannot run.
    """
    if run.allow_code_change and not run.resume:
        raise DataError("--allow-code-change requires --resume", remedy="add --resume")
    require_utf8_names()
    prepare_ray_environment(config.address)
    _check_location(config, resume=run.resume)
    from rich.console import Console

    from study.console.phase import show_phase

    console = Console(stderr=True, quiet=run.quiet)
    if names := list_variables_in_effect(config.address):
        console.print(f"in effect from the environment: {', '.join(names)}", soft_wrap=True)
    # One CPU is always available, and importing Ray takes a second.
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
    with show_phase(console, "loading Ray …"):
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
    """Check the location of a study; name other studies if the one to resume is missing."""
    try:
        check_location(config.location, resume=resume)
    except ConflictError as error:
        if config.has_default_name:
            return  # the study gets another name
        if not resume:
            raise
        raise name_other_studies(error, config.location) from error.__cause__
