"""Complete names in the shell, without slow imports."""

from pathlib import Path

import typer

from bloodnets.medmnist_sets import load_sets
from bloodnets.storage.location import STUDY_FILE
from study.configs.presets import CONFIGURATIONS


def complete_configurations(incomplete: str) -> list[str]:
    """Return the names of configurations that begin with a text."""
    return [name for name in CONFIGURATIONS if name.startswith(incomplete)]


def complete_data_names(incomplete: str) -> list[str]:
    """Return the values of `--data` that begin with a text; sides only after a colon."""
    sets = load_sets().values()
    names = [data_set.name for data_set in sets]
    if ":" in incomplete:
        names = [f"{data_set.name}:{side}" for data_set in sets for side in data_set.md5]
    return [name for name in ("synthetic", *names) if name.startswith(incomplete)]


def complete_study_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of studies in the folder `--storage` that begin with a text."""
    folder = Path(ctx.params["storage"])
    study_files = folder.glob(f"*/{STUDY_FILE}")
    names = sorted(file.parent.name for file in study_files)
    return [name for name in names if name.startswith(incomplete)]
