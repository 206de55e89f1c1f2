"""Labels of trials are compared with those of the data, also in a cross-validation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets.errors import ConflictError
from reports.ledger.data_record import DataRecord
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import Config
from reports.verification.labels import LabelCheck
from tests.helpers.grid_builder import build_grid, make_config, make_published_matrices

NAME = "predictions/a.npz"


@pytest.fixture
def data(tmp_path: Path) -> DataRecord:
    """Return a record of data with two images of class 0 and four of class 1 per split."""
    record = Ledger(build_grid(tmp_path / "s", make_published_matrices()).location).study.data
    names = record.class_names[:2]
    return replace(
        record,
        class_names=names,
        class_counts=dict.fromkeys(("train", "val", "test"), (2, 4)),
    )


def make_labels(*labels: int) -> np.ndarray:
    return np.array(labels, np.uint8)


def make_fold(fold: int, *, seed: int = 0) -> Config:
    return make_config("cnn-config-1", seed=seed, folds=2, fold=fold)


def test_label_check_other_numbers_than_in_the_data_raise(data: DataRecord) -> None:
    check = LabelCheck(data)
    config = make_config("cnn-config-1")
    check.add(config, "test", NAME, make_labels(0, 0, 1, 1, 1, 1))
    with pytest.raises(ConflictError) as caught:
        check.add(config, "test", NAME, make_labels(0, 1, 1, 1, 1, 1))
    assert caught.value.path == "study.json"


def test_label_check_other_order_than_in_another_trial_raises(data: DataRecord) -> None:
    check = LabelCheck(data)
    check.add(
        make_config("cnn-config-1"), "val", "predictions/first", make_labels(0, 0, 1, 1, 1, 1)
    )
    with pytest.raises(ConflictError, match="predictions/first") as caught:
        check.add(make_config("cnn-config-1"), "val", NAME, make_labels(1, 0, 0, 1, 1, 1))
    assert caught.value.path == NAME


def test_label_check_val_labels_of_a_fold_are_those_of_its_seed_and_fold(
    data: DataRecord,
) -> None:
    check = LabelCheck(data)
    check.add(make_fold(0), "val", NAME, make_labels(0, 0, 1, 1, 1, 1))
    check.add(make_fold(1), "val", NAME, make_labels(1, 0, 1, 0, 1, 1))
    check.add(make_fold(0, seed=1), "val", NAME, make_labels(1, 1, 0, 0, 1, 1))
    check.add(make_fold(0), "val", NAME, make_labels(0, 0, 1, 1, 1, 1))
    with pytest.raises(ConflictError):
        check.add(make_fold(0), "val", NAME, make_labels(1, 0, 1, 0, 1, 1))


@pytest.mark.parametrize(
    ("second", "is_complete"), [((0, 0, 1, 1, 1, 1), True), ((0, 1, 1, 1, 1, 1), False)]
)
def test_label_check_folds_of_a_seed_have_all_images_of_train_and_val(
    data: DataRecord, second: tuple[int, ...], is_complete: bool
) -> None:
    check = LabelCheck(data)
    check.add(make_fold(0), "val", NAME, make_labels(0, 0, 1, 1, 1, 1))
    check.check_folds(2)  # the other fold is not there yet
    check.add(make_fold(1), "val", NAME, make_labels(*second))
    if is_complete:
        check.check_folds(2)
        return
    with pytest.raises(ConflictError) as caught:
        check.check_folds(2)
    assert caught.value.value == (4, 8)
