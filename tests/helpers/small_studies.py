"""Settings of a small grid and a small search, and functions that change their files."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.ledger.ledger import Ledger
from tests.helpers.grid_builder import worsen_matrix
from tests.helpers.search_builder import SEARCH_RECORD

SMALL_MATRIX = np.diag([20, 30, 15, 12, 10, 8, 6, 5]).astype(np.int64)
SMALL_MATRIX[0, 1] = 6
SMALL_MATRIX[3, 6] = 3
OTHER_MATRIX = worsen_matrix(SMALL_MATRIX, n_moved=2)
SMALL_MATRICES = {
    "cnn-config-1": [SMALL_MATRIX, OTHER_MATRIX],
    "mlnn-config-2": [OTHER_MATRIX, SMALL_MATRIX],
}
N_SMALL_IMAGES = 115
"""Number of test images of the small grid."""

SMALL_SEARCH = replace(SEARCH_RECORD, n_trials=10, retrain_top=2, retrain_seeds=2)

VERSION_3_DIR = Path(__file__).parents[1] / "data/version-3"
"""Folder with `study`, which bloodstudy 0.2.0 wrote, and `cells.npz`, its data. The study is a grid
of one configuration with two seeds; the trial with the second seed was removed."""

TRIAL_FILES = {
    "trials": "json",
    "epochs": "jsonl",
    "predictions": "npz",
    "models": "safetensors",
}
"""Suffixes of a trial's files, by folder."""

Arrays = dict[str, NDArray[Any]]


def list_trial_ids(folder: Path) -> list[str]:
    """Return the ids of the planned trials of a grid."""
    return [planned.id for planned in Ledger(folder).study.trials]


def get_trial_file(folder: Path, trial_id: str, kind: str) -> Path:
    """Return the path of a trial's file; `kind` is a key of `TRIAL_FILES`."""
    return folder / kind / f"{trial_id}.{TRIAL_FILES[kind]}"


def edit_json(path: Path, keys: tuple[str | int, ...], change: Callable[[Any], Any]) -> Any:
    """Change one value of a JSON file; return the new value."""
    content = json.loads(path.read_text())
    inner = reduce(lambda part, key: part[key], keys[:-1], content)
    inner[keys[-1]] = change(inner[keys[-1]])
    path.write_text(json.dumps(content))
    return inner[keys[-1]]


def write_version_4(folder: Path) -> None:
    """Rewrite a study of the current version as version 4 of the file format had it."""
    path = folder / "study.json"
    content = json.loads(path.read_text())
    content["schema_version"] = 4
    for name in ("channels", "side", "groups"):
        del content["data"][name]
    if content["grid"] is not None:
        del content["grid"]["folds"]
    path.write_text(json.dumps(content))


def edit_json_lines(path: Path, change: Callable[[list[Any]], object]) -> None:
    """Change the values in the lines of a file, in place."""
    values = [json.loads(line) for line in path.read_text().splitlines()]
    change(values)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def edit_predictions(folder: Path, trial_id: str, change: Callable[[Arrays], object]) -> str:
    """Change a trial's predictions, and their hash in its record; return the file's name."""
    path = get_trial_file(folder, trial_id, "predictions")
    with np.load(path, allow_pickle=False) as stored:
        arrays: Arrays = dict(stored)
    change(arrays)
    np.savez(path, allow_pickle=False, **arrays)
    return enter_hash(path)


def edit_epochs(
    folder: Path, trial_id: str, change: Callable[[list[dict[str, Any]]], object]
) -> str:
    """Change a trial's epochs, and their hash in its record; return the file's name."""
    path = get_trial_file(folder, trial_id, "epochs")
    edit_json_lines(path, change)
    return enter_hash(path)


def enter_hash(path: Path) -> str:
    """Enter the hash of a changed file in its trial's record, as a careful forger would.

    Returns:
        Name of the file within the study's folder.
    """
    folder, name = path.parent.parent, f"{path.parent.name}/{path.name}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_json(folder / "trials" / f"{path.stem}.json", ("files", name), lambda _: digest)
    return name
