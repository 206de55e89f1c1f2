"""The probabilities that a model of a study, or a vote, gives to images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.training.evaluation import predict_probabilities
from reports.analysis.temperature import scale_probabilities
from reports.ledger.ledger import Ledger
from study.inference.model_selection import SelectedModel, select_model
from study.inference.study_model import StudyModel
from study.inference.vote_selection import select
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models


@pytest.fixture(scope="module")
def cells() -> dict[str, NDArray[np.uint8]]:
    return generate_synthetic_arrays(scale=0.02)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    return add_models(build_grid(tmp_path_factory.mktemp("results") / "new", matrices))


@pytest.fixture(scope="module")
def selected(ledger: Ledger) -> SelectedModel:
    return select_model(ledger, None)


@pytest.fixture(scope="module")
def model(ledger: Ledger, selected: SelectedModel) -> StudyModel:
    return StudyModel(ledger.study, selected)


def test_predict_few_images_have_the_probabilities_of_a_full_batch(
    selected: SelectedModel, model: StudyModel, cells: dict[str, NDArray[np.uint8]]
) -> None:
    """The expected ones are those that a study would have recorded."""
    images = cells["train_images"][:200]
    pixels, loss = torch.from_numpy(images), selected.config.loss
    stored = predict_probabilities(selected.model, pixels, loss)
    expected = scale_probabilities(stored, selected.temperature.value)
    assert not np.allclose(expected, stored)
    for count in (1, 3, 128):
        assert np.array_equal(model.predict(images[:count]), expected[:count])


def test_predict_by_vote_has_the_calibrated_mean_probabilities(
    tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    matrices = {"cnn-config-1": make_published_matrices(2)["cnn-config-1"]}
    ledger = add_models(build_grid(tmp_path / "s", matrices))
    images = cells["train_images"][:1]
    selected = select(ledger, None, "cnn-config-1")
    (vote,) = StudyModel(ledger.study, selected).predict(images)
    first, second = (
        predict_probabilities(member.model, torch.from_numpy(images), member.config.loss)[0]
        for member in selected.members
    )
    assert not np.allclose(first, second, atol=1e-4)
    expected = scale_probabilities((first + second) / 2, selected.temperature.value)
    np.testing.assert_allclose(vote, expected, atol=1e-6)
