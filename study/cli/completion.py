"""Complete names in the shell, without slow imports."""

from pathlib import Path

import typer

from bloodnets.storage.location import STUDY_FILE
from study.configs.presets import CONFIGURATIONS


def complete_configurations(incomplete: str) -> list[str]:
    """Return the names of configurations that begin with a text."""
    return [name for name in CONFIGURATIONS if name.startswith(incomplete)]


def complete_study_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of studies in the folder `--storage` that begin with a text."""
    folder = Path(ctx.params["storage"])
    study_files = folder.glob(f"*/{STUDY_FILE}")
    names = sorted(file.parent.name for file in study_files)
    return [name for name in names if name.startswith(incomplete)]
