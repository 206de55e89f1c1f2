"""Names that the shell completes; these functions import nothing heavy."""

from pathlib import Path

import typer

from bloodnets.storage.location import STUDY_FILE
from study.configs.presets import CONFIGURATIONS


def complete_configurations(incomplete: str) -> list[str]:
    """Return the names of configurations that begin with the text."""
    return [name for name in CONFIGURATIONS if name.startswith(incomplete)]


def complete_study_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of studies in `--storage`, if it is a folder, that begin with the text."""
    folder = Path(ctx.params["storage"])
    study_files = folder.glob(f"*/{STUDY_FILE}")
    names = sorted(file.parent.name for file in study_files)
    return [name for name in names if name.startswith(incomplete)]
