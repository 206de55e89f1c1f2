"""Images of every kind, and the probabilities that a model gives them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.training.evaluation import predict_probabilities
from reports.analysis.temperature import scale_probabilities
from reports.ledger.data_record import DataRecord
from reports.ledger.ledger import Ledger
from study.inference.input_images import InputImage
from study.inference.model_selection import SelectedModel, select_model
from study.inference.predict import Prediction, classify_images
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
def data(ledger: Ledger) -> DataRecord:
    return ledger.study.data


def test_classify_images_few_images_have_the_probabilities_of_a_full_batch(
    selected: SelectedModel, data: DataRecord, cells: dict[str, NDArray[np.uint8]]
) -> None:
    """The expected ones are those that a study would have recorded."""
    images = cells["train_images"][:200]
    pixels, loss = torch.from_numpy(images), selected.config.loss
    stored = predict_probabilities(selected.model, pixels, loss)
    expected = scale_probabilities(stored, selected.temperature.value)
    assert not np.allclose(expected, stored)
    for count in (1, 3, 130):
        shown = (InputImage(str(index), images[index]) for index in range(count))
        found = list(classify_images(selected, data, shown))
        assert [each.name for each in found] == [str(index) for index in range(count)]
        assert np.array_equal([each.probabilities for each in found], expected[:count])


def test_classify_images_by_vote_have_the_calibrated_mean_probabilities(
    tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    matrices = {"cnn-config-1": make_published_matrices(2)["cnn-config-1"]}
    ledger = add_models(build_grid(tmp_path / "s", matrices))
    image = InputImage("x", cells["train_images"][0])
    selected = select(ledger, None, "cnn-config-1")
    (vote,) = classify_images(selected, ledger.study.data, [image])
    first, second = (
        predict_probabilities(member.model, torch.tensor(image.pixels)[None], member.config.loss)[0]
        for member in selected.members
    )
    assert not np.allclose(first, second, atol=1e-4)
    expected = scale_probabilities((first + second) / 2, selected.temperature.value)
    np.testing.assert_allclose(vote.probabilities, expected, atol=1e-6)


def test_classify_images_reads_no_more_than_a_batch_ahead(
    selected: SelectedModel, data: DataRecord, cells: dict[str, NDArray[np.uint8]]
) -> None:
    taken = 0

    def many() -> Iterator[InputImage]:
        nonlocal taken
        for taken in range(1, 301):  # noqa: B007 - read below
            yield InputImage("x", cells["train_images"][0])

    next(classify_images(selected, data, many()))
    assert taken == 128


def test_classify_images_below_the_minimum_probability_abstains(
    selected: SelectedModel, data: DataRecord, cells: dict[str, NDArray[np.uint8]]
) -> None:
    images = [InputImage(str(i), cells["train_images"][i]) for i in range(9)]
    everything = [*classify_images(selected, data, images)]
    middle = float(np.median([prediction.probabilities.max() for prediction in everything]))
    found = [*classify_images(selected, data, images, min_probability=middle)]
    assert [p.abstains for p in found] == [p.probabilities.max() < middle for p in everything]
    assert sum(prediction.predicted_class is None for prediction in found) == 4
    assert not any(prediction.abstains for prediction in everything)


def test_ranked_classes_are_ordered_by_probability() -> None:
    row = np.array([0.1, 0.3, 0.05, 0.3, 0.05, 0.1, 0.05, 0.05])
    found = Prediction(name="x", probabilities=row, abstains=False, color_outlier=None, note=None)
    assert found.ranked_classes[:2] == [1, 3]
    assert found.predicted_class == 1
