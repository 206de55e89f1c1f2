"""Write small files in the shape of MedMNIST's data sets, and pass them off as official ones."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets import medmnist_sets
from bloodnets.medmnist_sets import MedMnistFile, MedMnistSet
from tests.helpers.npz_files import Arrays, saved

MIN_IMAGES = 20
"""Number of images in a split that would be smaller."""


def make_arrays(data_set: MedMnistSet, side: int) -> Arrays:
    """Return arrays with the shapes, types and labels of a data set, and fewer images."""
    rng = np.random.default_rng(0)
    n_classes = len(data_set.class_names)
    pixels = (side, side) if data_set.channels == 1 else (side, side, data_set.channels)
    arrays: Arrays = {}
    for split, n_images in data_set.n_images.items():
        n = max(MIN_IMAGES, n_images // 1000)
        arrays[f"{split}_images"] = rng.integers(0, 256, (n, *pixels), np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % n_classes)[:, None]
    return arrays


def patch_md5(monkeypatch: pytest.MonkeyPatch, name: str, side: int, path: Path) -> MedMnistFile:
    """Make a file the official one of a data set and a side."""
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    sets = medmnist_sets.load_sets()
    data_set = replace(sets[name], md5={**sets[name].md5, side: md5})
    monkeypatch.setattr(medmnist_sets, "load_sets", lambda: {**sets, name: data_set})
    return MedMnistFile(data_set, side)


def write_official(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, side: int
) -> MedMnistFile:
    """Write a small file under the name and with the MD5 of an official one."""
    file = MedMnistFile(medmnist_sets.load_sets()[name], side)
    path = saved(folder / file.file_name, make_arrays(file.data_set, side))
    return patch_md5(monkeypatch, name, side, path)
