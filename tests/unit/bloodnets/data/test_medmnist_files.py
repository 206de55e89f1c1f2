"""Files in the shape of each data set of MedMNIST are loaded, or refused with the reason."""

from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.medmnist import load_file
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import load_sets
from tests.helpers.medmnist_files import make_arrays, patch_md5, write_official
from tests.helpers.npz_files import saved, sound


@pytest.mark.parametrize("side", [28, 64])
@pytest.mark.parametrize("name", list(load_sets()))
def test_load_file_of_each_data_set_has_its_shape_names_and_kind(
    name: str, side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_set = load_sets()[name]
    file = write_official(monkeypatch, tmp_path, name, side)
    path = (tmp_path / file.file_name).rename(tmp_path / "renamed.npz")
    cells = load_file(path)
    n_classes = len(data_set.class_names)
    assert cells.shape == DataShape(n_classes=n_classes, channels=data_set.channels, side=side)
    assert cells.class_names == data_set.class_names
    assert cells.kind == ("official" if (name, side) == ("bloodmnist", 28) else "medmnist")
    assert (cells.name, cells.md5) == ("renamed.npz", file.md5)


def test_load_file_unknown_file_in_the_shape_of_a_data_set_is_a_file(tmp_path: Path) -> None:
    arrays = make_arrays(load_sets()["dermamnist"], 28)
    cells = load_file(saved(tmp_path / "dermamnist.npz", arrays))
    assert cells.kind == "file"
    assert cells.class_names[0] == "class 0"


def test_load_file_own_class_names_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"own {i}" for i in range(8)]
    path = saved(tmp_path / "cells.npz", sound() | {"class_names": np.array(names)})
    patch_md5(monkeypatch, "bloodmnist", 28, path)
    assert load_file(path).class_names == tuple(names)


def test_load_file_several_labels_per_image_raises(tmp_path: Path) -> None:
    """ChestMNIST has 14."""
    arrays = {
        key: np.zeros((len(array), 14), np.uint8) if "labels" in key else array[..., 0]
        for key, array in sound().items()
    }
    with pytest.raises(DataError) as caught:
        load_file(saved(tmp_path / "chestmnist.npz", arrays))
    assert caught.value.value == (10, 14)
    assert "one label per image" in str(caught.value.expected)


@pytest.mark.parametrize("side", [28, 64])
def test_load_file_images_of_three_dimensions_raises(side: int, tmp_path: Path) -> None:
    arrays = {
        key: np.zeros((len(array), side, side, side), np.uint8) if "images" in key else array
        for key, array in sound().items()
    }
    with pytest.raises(DataError) as caught:
        load_file(saved(tmp_path / "organmnist3d.npz", arrays))
    assert caught.value.value == (10, side, side, side)
    assert "two dimensions" in str(caught.value.expected)
