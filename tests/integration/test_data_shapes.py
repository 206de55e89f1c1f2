"""Whole commands on other data than BloodMNIST, with real Ray: classes, channels, sides."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import DataShape
from reports.ledger.ledger import Ledger
from tests.helpers.cli_runs import RunHere, RunMain

NAMES_BY_ID = {
    "five color classes": ("basophil", "eosinophil", "lymph", "mono", "platelet"),
    "two gray classes": ("benign", "Übergang"),
}
SHAPES = {
    "five color classes": DataShape(n_classes=5, channels=3, side=64),
    "two gray classes": DataShape(n_classes=2, channels=1, side=28),
}


def write_cells(
    path: Path, shape: DataShape, names: tuple[str, ...]
) -> dict[str, NDArray[np.uint8]]:
    """Write a file of synthetic cells, enlarged by whole factors, and return its arrays."""
    arrays = {}
    for key, array in generate_synthetic_arrays(scale=0.01).items():
        if "labels" in key:
            arrays[key] = array % shape.n_classes
            continue
        nearest = np.arange(shape.side) * 28 // shape.side
        images = array[:, nearest][:, :, nearest]
        arrays[key] = images[..., 0] if shape.channels == 1 else images
    np.savez_compressed(path, allow_pickle=False, class_names=np.array(names), **arrays)
    return arrays


@pytest.mark.parametrize("kind", SHAPES)
def test_study_of_other_data_is_trained_reported_verified_used_and_exported(
    kind: str, tmp_path: Path, run_main: RunMain, train: RunHere
) -> None:
    shape, names = SHAPES[kind], NAMES_BY_ID[kind]
    path = tmp_path / "my cells.npz"
    arrays = write_cells(path, shape, names)
    # At 64 x 64 pixels, a fully connected network has 113 million parameters.
    other = ("mlnn-config-2",) if shape.side == 28 else ("resnet", "--width", "4")
    words = ("--config", "cnn-config-2", "--config", *other)
    limits = ("--max-epochs", "2", "--seeds", "2", "--device", "cpu")
    trained = train(
        *("grid", "--name", "mine", "--storage", tmp_path, "--data-file", path),
        *(*words, *limits),
        folder=tmp_path,
    )
    assert trained.returncode == 0, trained.stderr
    folder = tmp_path / "mine"
    data = Ledger(folder).study.data
    assert (data.shape, data.class_names) == (shape, names)
    if shape.side == 64:  # draw its figures
        assert run_main("report", folder, "--data-file", path).code == 0
        assert run_main("report", folder, "--verify", "--data-file", path).code == 0
    else:
        words = ("report", folder, "--verify", "--from-weights", "--data-file", path)
        verified = train(*words, folder=tmp_path)
        assert verified.returncode == 0, verified.stderr
    page = (folder / "report/index.html").read_text()
    assert names[1] in page
    assert "Published" not in page
    # Predictions for an image file and for a file of images are those that the study stored.
    image_path = tmp_path / "cell.png"
    Image.fromarray(arrays["test_images"][0]).save(image_path)
    from_png, from_npz = (
        json.loads(run_main("predict", folder, source, "--json").stdout)["images"][0]
        for source in (image_path, path)
    )
    assert from_png["probabilities"] == from_npz["probabilities"]
    assert from_png["class_name"] in names
    exported = run_main("export", folder, "--output", tmp_path / "exported")
    assert exported.code == 0, exported.stderr
    session = onnxruntime.InferenceSession(tmp_path / "exported/model.onnx")
    images = arrays["test_images"][:3].reshape(-1, shape.side, shape.side, shape.channels)
    (probabilities,) = session.run(None, {"images": images})
    assert probabilities.shape == (3, shape.n_classes)
    assert probabilities[0] == pytest.approx(from_png["probabilities"], abs=1e-4)
