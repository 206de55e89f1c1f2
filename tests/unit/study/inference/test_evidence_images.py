"""The figures of `predict --explain`: which model, which class, which names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ConflictError, DataError
from bloodnets.models import ResNet, build_model
from reports.ledger.ledger import Ledger
from study.configs.presets import RESNET
from study.inference.evidence_images import require_explainable, write_evidence_images
from study.inference.input_images import InputImage
from study.inference.model_selection import SelectedModel, select_model
from study.inference.predict import Prediction
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models

SMALL = replace(RESNET, width=4)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    matrices = {"mlnn-config-1": make_published_matrices()["mlnn-config-1"]}
    return add_models(build_grid(tmp_path_factory.mktemp("results") / "new", matrices))


def select(ledger: Ledger, config: TrialConfig) -> SelectedModel:
    """Return the model of the study with a new network of a configuration."""
    torch.manual_seed(0)
    model = build_model(config, BLOODMNIST_SHAPE).eval()
    return replace(select_model(ledger, None), config=config, model=model)


def test_require_explainable_is_the_network_without_log_softmax(ledger: Ledger) -> None:
    assert isinstance(require_explainable(select(ledger, SMALL)), ResNet)
    selected = select(ledger, replace(SMALL, loss="nll", label_smoothing=0.0))
    assert isinstance(selected.model, nn.Sequential)
    assert require_explainable(selected) is selected.model[0]


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_require_explainable_another_network_raises(ledger: Ledger, family: str) -> None:
    config = TrialConfig.from_dict({**select_model(ledger, None).record.config, "family": family})
    with pytest.raises(DataError) as caught:
        require_explainable(select(ledger, config))
    assert caught.value.value == family


def test_require_explainable_means_over_orientations_raise(ledger: Ledger) -> None:
    with pytest.raises(DataError) as caught:
        require_explainable(select(ledger, replace(SMALL, orientations=True)))
    assert caught.value.remedy is not None


def test_write_evidence_images_are_those_of_the_predicted_class(
    ledger: Ledger, tmp_path: Path, cells: BloodCells
) -> None:
    """Each image is predicted as another class, so figures of the same image differ."""
    pixels = cells.test.images[0]
    names = ["a/cell 1.png", "b/cell 1.png", "cells.npz:test/17", f"{'x' * 300}.tif"]
    images = [InputImage(name, pixels) for name in names]
    predictions = [
        Prediction(
            name=name,
            probabilities=np.eye(8)[class_index],
            abstains=False,
            color_outlier=None,
            note=None,
        )
        for name, class_index in zip(names, (0, 0, 5, 5), strict=True)
    ]
    folder = tmp_path / "new" / "figures"
    selected = select(ledger, SMALL)
    write_evidence_images(folder, selected, ledger.study, images, predictions)
    paths = sorted(folder.iterdir())
    expected = ["001-cell-1.png", "002-cell-1.png", "003-test-17.png", f"004-{'x' * 40}.png"]
    assert [path.name for path in paths] == expected
    pictures = [np.asarray(Image.open(path)) for path in paths]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])
    with pytest.raises(ConflictError):
        write_evidence_images(folder, selected, ledger.study, images, predictions)
