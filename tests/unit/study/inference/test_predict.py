"""Images of every kind, and the probabilities that a model gives them."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from study.inference.input_images import InputImage
from study.inference.model_selection import SelectedModel, select_model
from study.inference.predict import Prediction, classify_images
from study.inference.study_model import StudyModel
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


def test_classify_images_reads_no_more_than_a_batch_ahead(
    model: StudyModel, cells: dict[str, NDArray[np.uint8]]
) -> None:
    taken = 0

    def many() -> Iterator[InputImage]:
        nonlocal taken
        for taken in range(1, 301):  # noqa: B007 - read below
            yield InputImage("x", cells["train_images"][0])

    next(classify_images(model, many()))
    assert taken == 128


def test_classify_images_below_the_minimum_probability_abstains(
    model: StudyModel, cells: dict[str, NDArray[np.uint8]]
) -> None:
    images = [InputImage(str(i), cells["train_images"][i]) for i in range(9)]
    everything = [*classify_images(model, images)]
    middle = float(np.median([prediction.probabilities.max() for prediction in everything]))
    found = [*classify_images(model, images, min_probability=middle)]
    assert [p.abstains for p in found] == [p.probabilities.max() < middle for p in everything]
    assert sum(prediction.predicted_class is None for prediction in found) == 4
    assert not any(prediction.abstains for prediction in everything)


def test_ranked_classes_are_ordered_by_probability() -> None:
    row = np.array([0.1, 0.3, 0.05, 0.3, 0.05, 0.1, 0.05, 0.05])
    found = Prediction(name="x", probabilities=row, abstains=False, color_outlier=None, note=None)
    assert found.ranked_classes[:2] == [1, 3]
    assert found.predicted_class == 1
