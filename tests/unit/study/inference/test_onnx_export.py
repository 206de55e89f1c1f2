"""A model as ONNX: it predicts as the trained one does, or nothing is written."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ResourceError, StudyError
from bloodnets.models import ResNet
from bloodnets.training.evaluation import make_orientations, predict_probabilities
from reports.analysis.temperature import Temperature, TemperatureState, scale_probabilities
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from study.inference import onnx_export
from study.inference.model_selection import SelectedModel, select_model
from study.inference.vote_selection import Selection, select
from tests.helpers import grid_builder
from tests.helpers.models import add_models
from tests.helpers.weighted_study import build_weighted_study

ROOT = Path(__file__).parents[4]


def run(model: Path | bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    content = model.read_bytes() if isinstance(model, Path) else model
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": images})
    return np.asarray(found)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, SelectedModel]:
    folder = tmp_path_factory.mktemp("untrained")
    matrices = grid_builder.make_published_matrices()["cnn-config-1"]
    ledger = add_models(grid_builder.build_grid(folder / "s", {"cnn-config-1": matrices * 2}))
    return ledger, select_model(ledger, "cnn-config-1-s0")


@pytest.fixture(scope="module")
def other_seed(untrained: tuple[Ledger, SelectedModel]) -> bytes:
    """Return the second seed's model, exported: that takes a while."""
    ledger, _ = untrained
    return onnx_export.build_onnx_model(select_model(ledger, "cnn-config-1-s1"), ledger.study)


def test_build_onnx_model_with_batch_norm_predicts_as_the_model(
    untrained: tuple[Ledger, SelectedModel],
) -> None:
    """By its fixed statistics, and for any number of images; the file names no path."""
    ledger, chosen = untrained
    torch.manual_seed(0)
    model = ResNet(BLOODMNIST_SHAPE, width=4, dropout=0.5)
    model(torch.randn(64, 3, 28, 28) + 1)  # moves the statistics
    odd = replace(chosen, model=model.eval())
    content = onnx_export.build_onnx_model(odd, ledger.study)
    images = np.random.default_rng(0).integers(256, size=(37, 28, 28, 3), dtype=np.uint8)
    assert (
        onnx_export.compare_predictions(content, odd, images, BLOODMNIST_SHAPE).max_deviation
        <= 1e-4
    )
    together = run(content, images)
    np.testing.assert_allclose(
        np.concatenate([run(content, images[:1]), run(content, images[1:3])]),
        together[:3],
        atol=1e-6,
    )
    for trace in (b".py", b"site-packages", os.fsencode(ROOT), os.fsencode(Path.home()) + b"/"):
        assert trace not in content


@pytest.mark.parametrize("value", [0.5, 1.0, 3.0])
def test_build_onnx_model_returns_probabilities_of_its_temperature(
    untrained: tuple[Ledger, SelectedModel], cells: BloodCells, value: float
) -> None:
    ledger, chosen = untrained
    temperature = Temperature(value, TemperatureState.FITTED, 100)
    content = onnx_export.build_onnx_model(replace(chosen, temperature=temperature), ledger.study)
    images = cells.test.images[:9].copy()
    stored = predict_probabilities(chosen.model, torch.tensor(images), chosen.config.loss)
    expected = scale_probabilities(stored, value)
    np.testing.assert_allclose(run(content, images), expected, atol=1e-5)


def test_export_onnx_writes_model_and_card_or_nothing(
    untrained: tuple[Ledger, SelectedModel],
    other_seed: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, chosen = untrained
    monkeypatch.setattr(onnx_export, "build_onnx_model", lambda *_: other_seed)
    with pytest.raises(StudyError) as caught:  # the model of another seed
        onnx_export.export_onnx(ledger, chosen, None, tmp_path / "out")
    assert caught.value.exit_code == 1
    assert isinstance(caught.value.value, float)
    assert caught.value.value > onnx_export.PROBABILITY_TOLERANCE
    assert list(tmp_path.iterdir()) == []

    own = select_model(ledger, "cnn-config-1-s1")
    check = onnx_export.export_onnx(ledger, own, None, tmp_path / "out")
    assert check.is_synthetic
    assert check.max_deviation <= onnx_export.PROBABILITY_TOLERANCE
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.onnx", "README.md"}
    metadata = onnx.load(tmp_path / "out/model.onnx").metadata_props
    about = {each.key: each.value for each in metadata}
    assert (about["trial"], about["study"]) == (own.record.id, ledger.study.name)
    assert json.loads(about["class_names"]) == list(ledger.study.data.class_names)
    assert float(about["temperature"]) == pytest.approx(own.temperature.value)
    assert about["temperature_state"] == own.temperature.state


def test_export_onnx_full_disk_raises_and_leaves_nothing(
    untrained: tuple[Ledger, SelectedModel],
    other_seed: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    ledger, _ = untrained
    monkeypatch.setattr(onnx_export, "build_onnx_model", lambda *_: other_seed)
    monkeypatch.setattr(os, "fsync", fail)
    own = select_model(ledger, "cnn-config-1-s1")
    with pytest.raises(ResourceError) as caught:
        onnx_export.export_onnx(ledger, own, None, tmp_path / "out")
    assert caught.value.path == str(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def voting(
    tmp_path_factory: pytest.TempPathFactory, cells: BloodCells
) -> tuple[Ledger, Selection, BloodCells]:
    """A study whose predictions are those of its two models, the vote of both, and its data."""
    ledger = build_weighted_study(tmp_path_factory.mktemp("voting") / "s", cells)
    return ledger, select(ledger, None, "cnn-config-1"), cells


@pytest.fixture(scope="module")
def vote_model(voting: tuple[Ledger, Selection, BloodCells]) -> bytes:
    ledger, vote, _ = voting
    return onnx_export.build_onnx_model(vote, ledger.study)


def test_export_onnx_vote_returns_the_calibrated_stored_mean_of_its_members(
    voting: tuple[Ledger, Selection, BloodCells],
    vote_model: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, vote, cells = voting
    monkeypatch.setattr(onnx_export, "build_onnx_model", lambda *_: vote_model)
    check = onnx_export.export_onnx(ledger, vote, cells.test.images.copy(), tmp_path / "out")
    assert check.stored_deviation is not None
    assert check.stored_deviation <= 1e-5
    stored = [
        read_predictions(ledger, member.record.id, "test").probabilities for member in vote.members
    ]
    assert np.abs(stored[0] - stored[1]).max() > 1e-3
    exported = run(tmp_path / "out" / "model.onnx", cells.test.images)
    expected = scale_probabilities(np.mean(stored, axis=0), vote.temperature.value)
    np.testing.assert_allclose(exported, expected, atol=1e-5)
    about = {each.key: each.value for each in onnx.load(tmp_path / "out/model.onnx").metadata_props}
    assert about["trial"].split() == [member.record.id for member in vote.members]


def test_export_onnx_orientations_of_the_study_return_its_stored_mean(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = build_weighted_study(tmp_path / "s", cells, orientations=True)
    vote = select(ledger, None, "cnn-config-1")
    check = onnx_export.export_onnx(ledger, vote, cells.test.images.copy(), tmp_path / "out")
    assert check.stored_deviation is not None
    assert check.stored_deviation <= 1e-5
    file = tmp_path / "out/model.onnx"
    turned = np.rot90(cells.test.images, axes=(1, 2)).copy()
    np.testing.assert_allclose(run(file, turned), run(file, cells.test.images), atol=1e-5)
    np.testing.assert_allclose(run(file, turned[:1]), run(file, turned)[:1], atol=1e-5)
    metadata = {each.key: each.value for each in onnx.load(file).metadata_props}
    assert metadata["orientations"] == "8"
    assert metadata["temperature_state"] == "fitted"


def test_export_onnx_added_orientations_return_the_mean_without_temperature(
    voting: tuple[Ledger, Selection, BloodCells], tmp_path: Path
) -> None:
    ledger, vote, cells = voting
    selected = select(ledger, None, "cnn-config-1", orientations=True)
    images = cells.test.images.copy()
    check = onnx_export.export_onnx(ledger, selected, images, tmp_path / "out")
    assert check.stored_deviation is None  # the study stored predictions of one orientation
    views = [
        predict_probabilities(member.model, view, member.config.loss)
        for member in vote.members
        for view in make_orientations(torch.from_numpy(images))
    ]
    exported = run(tmp_path / "out/model.onnx", images)
    np.testing.assert_allclose(exported, np.mean(views, axis=0), atol=1e-5)


def test_export_onnx_vote_that_differs_from_the_stored_mean_writes_nothing(
    voting: tuple[Ledger, Selection, BloodCells],
    vote_model: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The images are not those that the members predicted."""
    ledger, vote, cells = voting
    monkeypatch.setattr(onnx_export, "build_onnx_model", lambda *_: vote_model)
    with pytest.raises(StudyError) as caught:
        onnx_export.export_onnx(ledger, vote, cells.test.images[::-1].copy(), tmp_path / "out")
    assert isinstance(caught.value.value, float)
    assert caught.value.value > 1e-5
    assert list(tmp_path.iterdir()) == []
