"""Data that a study cannot be trained on are refused before Ray starts."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import DataError
from study.lifecycle import data_check
from study.lifecycle.data_check import check_data
from tests.helpers.study_configs import make_grid_config, make_search_config


def test_check_data_class_with_too_few_images_for_the_folds_raises(
    cells: BloodCells, tmp_path: Path
) -> None:
    few = replace(cells, train=cells.train._replace(labels=cells.train.labels * 0))
    config = make_grid_config(tmp_path)
    check_data(config, few)
    with pytest.raises(DataError, match="--folds 100"):
        check_data(replace(config, folds=100), few)


def test_check_data_memory_includes_the_copy_of_each_fold(
    cells: BloodCells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = []
    monkeypatch.setattr(
        data_check,
        "check_trial_memory",
        lambda config, shape, *, n_copied_images: copied.append(n_copied_images),
    )
    config = make_grid_config(tmp_path)
    for settings in (config, replace(config, folds=2), make_search_config(tmp_path)):
        check_data(settings, cells)
    n_images = len(cells.train.labels) + len(cells.val.labels)
    assert copied == [0, n_images, 0]
