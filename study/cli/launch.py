"""From checked settings to a study that runs: what `grid`, `search` and `resume` share.

Modules that import torch, ray or pandas are imported when they are needed: a wrong option is
refused before that.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bloodnets.errors import DataError
from study.cli.options import DataChoice
from study.lifecycle.preflight import check_location
from study.runtime.signals import enable_keyboard_interrupt

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.configs.study_config import GridConfig, SearchConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """The data that a user asks for.

    Attributes:
        kind: BloodMNIST or synthetic cells.
        file: File in the MedMNIST format, instead of the download; None for the download.
        root: Folder of the download; None for `~/.medmnist`.
    """

    kind: DataChoice
    file: Path | None
    root: Path | None

    def load(self) -> "BloodCells":
        """Load the data; BloodMNIST is downloaded if it is not there.

        Raises:
            DataError: the options contradict each other, or the file is not what is needed.
            ResourceError: it cannot be downloaded.
        """
        if self.kind is DataChoice.SYNTHETIC and (self.file or self.root):
            raise DataError("--data synthetic takes neither --data-file nor --data-root")
        from bloodnets.data.download import ensure_official_file
        from bloodnets.data.medmnist import load_file, load_synthetic

        if self.kind is DataChoice.SYNTHETIC:
            return load_synthetic()
        if self.file is not None:
            return load_file(self.file)
        with enable_keyboard_interrupt():  # a download
            file = ensure_official_file(self.root)
        return load_file(file)


def launch(
    config: "GridConfig | SearchConfig",
    load_cells: Callable[[], "BloodCells"],
    *,
    resume: bool,
    allow_code_change: bool = False,
    dry_run: bool = False,
    quiet: bool,
) -> None:
    """Run a study, or print its plan.

    Args:
        config: Checked settings.
        load_cells: Loads the data to train on.
        resume: Whether the study exists and only what it lacks is to be done.
        allow_code_change: Whether the study may be resumed with other software.
        dry_run: Whether to print the plan and stop.
        quiet: Whether to print only the report's path.

    Raises:
        typer.Exit: With code 1 if a trial failed.
        StudyError: As raised by what it calls.
    """
    if allow_code_change and not resume:
        raise DataError("--allow-code-change is for a study that is resumed; give --resume too")
    check_location(config.location, resume=resume)
    if config.address is not None or config.gpus_per_trial:
        from study.runtime.resources import check_compute

        check_compute(config)
    cells = load_cells()
    if dry_run:
        from study.lifecycle.dry_run import print_dry_run

        print_dry_run(config, cells)
        return
    from study.tuning.run import run_study

    command = ("bloodstudy", *sys.argv[1:])
    if not run_study(
        config,
        cells,
        command=command,
        resume=resume,
        allow_code_change=allow_code_change,
        quiet=quiet,
    ):
        raise typer.Exit(1)
