"""A trained study's model on its own test images, as PNG files and as ONNX: what was recorded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from bloodnets.storage.location import RemotePath
from reports.analysis.temperature import scale_probabilities
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.ledger.trial_predictions import read_predictions
from tests.helpers import grid_builder
from tests.helpers.cli_runs import RunHere
from tests.helpers.models import add_models
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.integration.conftest import RunIn

ROOT = Path(__file__).parents[2]
NAMES = ("cnn-config-4", "mlnn-config-2", "resnet")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, data_file: Path, train: RunHere) -> Path:
    """`mine`: a network of each family and of each loss, an epoch each, on drawn cells."""
    folder = tmp_path_factory.mktemp("using")
    names = [word for name in NAMES for word in ("--config", name)]
    words = ["--max-epochs", "1", "--max-concurrent", "1", "--storage", ".", "--name", "mine"]
    words += ["--data-file", str(data_file)]
    done = train("grid", *names, "--width", "8", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "mine"


def recorded(study: Path, name: str) -> tuple[TrialRecord, NDArray[np.float32]]:
    ledger = Ledger(study)
    (record,) = (each for each in ledger.read_trials() if each.id.startswith(name))
    return record, read_predictions(ledger, record.id, "test").probabilities


def run(model: Path | bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    content = model.read_bytes() if isinstance(model, Path) else model
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": images})
    return np.asarray(found)


@pytest.mark.parametrize("name", NAMES)
def test_predict_png_of_a_test_image_has_the_recorded_probabilities(
    run_in: RunIn, study: Path, data_file: Path, tmp_path: Path, name: str
) -> None:
    """One by itself and all of them, the same class and, calibrated, the same probabilities."""
    images = np.load(data_file)["test_images"]
    for index, pixels in enumerate(images):
        Image.fromarray(pixels).save(tmp_path / f"{index:04}.png")
    _, expected = recorded(study, name)
    for given in (tmp_path, tmp_path / "0003.png"):
        done = run_in(study, "predict", ".", str(given), "--trial", name, "--json")
        assert done.code == 0, done.stderr
        found = json.loads(done.stdout)
        rows = [each["probabilities"] for each in found["images"]]
        own = expected if given.is_dir() else expected[3:4]
        calibrated = scale_probabilities(own, found["temperature"])
        assert np.allclose(rows, calibrated, rtol=0, atol=1e-7)
        assert [each["class"] for each in found["images"]] == own.argmax(axis=1).tolist()


@pytest.mark.parametrize("name", ["cnn-config-4", "resnet"])
def test_export_model_has_the_recorded_probabilities_and_scores(
    run_in: RunIn, study: Path, data_file: Path, tmp_path: Path, name: str
) -> None:
    images = np.load(data_file)["test_images"]
    done = run_in(tmp_path, "export", str(study), "--trial", name, "--output", "out")
    assert done.code == 0, done.stderr
    assert done.stderr == ""
    assert f"On {len(images):,} images of the test split, the exported" in done.stdout
    assert done.stdout.splitlines()[-1] == "out"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "model.onnx"]
    record, expected = recorded(study, name)
    given = run(tmp_path / "out/model.onnx", images)
    assert given.dtype == np.float32
    about = {each.key: each.value for each in onnx.load(tmp_path / "out/model.onnx").metadata_props}
    calibrated = scale_probabilities(expected, float(about["temperature"]))
    assert np.abs(given - calibrated).max() <= 1e-4
    assert np.array_equal(given.argmax(axis=1), expected.argmax(axis=1))
    assert about["trial"] == record.id
    assert about["fingerprint"] == record.fingerprint
    assert json.loads(about["class_names"])[7] == "platelet"
    _, front, text = (tmp_path / "out/README.md").read_text(encoding="utf-8").split("---\n", 2)
    (result,) = yaml.safe_load(front)["model-index"][0]["results"]
    accuracy = record.scores["test"]["accuracy"]
    assert accuracy is not None
    assert result["metrics"][0]["value"] == round(accuracy, 4)
    assert f"| {100 * accuracy:.1f} | \\[" in text
    md5 = Ledger(study).study.data.md5
    assert f"MD5 {md5}" in text


def test_export_card_example_runs(
    run_in: RunIn, study: Path, data_file: Path, tmp_path: Path
) -> None:
    done = run_in(tmp_path, "export", str(study), "--trial", "mlnn-config-2", "--output", "out")
    assert done.code == 0, done.stderr
    code = (tmp_path / "out/README.md").read_text(encoding="utf-8").split("```")[1]
    lines = code.removeprefix("python\n").splitlines()
    assert len([line for line in lines if line]) == 5
    (tmp_path / "out" / data_file.name).write_bytes(data_file.read_bytes())
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=True,
    )
    _, expected = recorded(study, "mlnn-config-2")
    names = Ledger(study).study.data.class_names
    assert ran.stdout.strip() == str([names[index] for index in expected[:128].argmax(axis=1)])


def test_predict_with_a_study_on_object_storage_classifies(
    run_in: RunIn, tmp_path: Path, running: S3Server
) -> None:
    there = RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}/stored")
    matrices = grid_builder.make_published_matrices()["cnn-config-1"]
    add_models(grid_builder.build_grid(there, {"cnn-config-1": matrices}))
    Image.new("RGB", (360, 363)).save(tmp_path / "cell.png")
    done = run_in(tmp_path, "predict", str(there), "cell.png", "--csv")
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("stored,cnn-config-1-s0-")


def test_export_into_an_existing_folder_changes_nothing(
    run_in: RunIn, study: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    done = run_in(tmp_path, "export", str(study), "--trial", "cnn-config-4", "--output", "out")
    assert done.code == 4
    assert done.stderr == ("bloodstudy: out already exists; choose another folder, or remove it\n")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("lacking", ["onnx", "onnxscript"])
def test_export_without_its_extra_names_the_remedy(tmp_path: Path, lacking: str) -> None:
    code = f"import sys; sys.modules[{lacking!r}] = None; from study.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "any"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(f"bloodstudy: {lacking} is not installed, which export requires")
    assert "pip install '.[export]'" in done.stderr
    assert done.stderr.count("\n") == 1
