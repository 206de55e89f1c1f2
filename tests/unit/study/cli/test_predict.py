"""`bloodstudy predict`: its output, what it skips, and its exit codes."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError, DataError
from bloodnets.metrics import FloatArray
from bloodnets.storage.local import LocalStorage
from bloodnets.training.evaluation import predict_probabilities
from reports.analysis.temperature import scale_probabilities
from reports.ledger.event_log import Event
from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from reports.ledger.states import DataKind
from reports.ledger.trial_predictions import read_predictions
from study.cli.main import app
from study.configs.presets import RESNET
from study.configs.study_config import make_config_record
from study.datasets.color_stats import compute_color_stats
from study.datasets.data_record import count_classes, hash_images
from study.inference.model_selection import select_model
from study.inference.prediction_output import RESEARCH_ONLY_NOTICE
from study.inference.pretrained import PretrainedModel
from study.runtime.lock import lock_study
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models
from tests.helpers.weighted_study import build_weighted_study

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, cells: BloodCells) -> Path:
    """Return the folder of `new`, a study that was trained on images with these colors."""
    folder = tmp_path_factory.mktemp("results")
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = add_models(build_grid(folder / "new", matrices))
    known = replace(ledger.study.data, color_stats=compute_color_stats(cells.train.images))
    ledger.files.write("study.json", to_json(replace(ledger.study, data=known), indent=2))
    return folder


def run(results: Path, *arguments: object, study: str = "new") -> Result:
    words = ["predict", study, "--storage", str(results), *map(str, arguments)]
    return CliRunner().invoke(app, words, env={"COLUMNS": "80"})


def save(folder: Path, images: NDArray[np.uint8]) -> list[Path]:
    paths = [folder / f"{index:03}.png" for index in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def calibrate(results: Path, images: NDArray[np.uint8]) -> FloatArray:
    """Return the calibrated probabilities that a study would have recorded of the images."""
    chosen = select_model(Ledger(results / "new"), None)
    stored = predict_probabilities(chosen.model, torch.tensor(images), chosen.config.loss)
    return scale_probabilities(stored, chosen.temperature.value)


def test_predict_json_holds_every_probability(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    images = cells.test.images[:5]
    paths = save(tmp_path, images)
    done = run(results, *paths, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["trial"].startswith("cnn-config-1-s0-")
    assert found["notice"] == RESEARCH_ONLY_NOTICE
    assert [each["file"] for each in found["images"]] == [str(path) for path in paths]
    for each, row in zip(found["images"], calibrate(results, images), strict=True):
        assert each["probabilities"] == row.tolist()
        assert each["class"] == row.argmax()
        assert each["class_name"] == found["class_names"][row.argmax()]
        assert each["probability"] == row.max()


def test_predict_csv_holds_every_probability(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    images = cells.test.images[:1]
    (path,) = save(tmp_path, images)
    done = run(results, path, "--csv")
    assert done.exit_code == 0, done.output
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    (expected,) = calibrate(results, images)
    own = [float(row[f"probability_{index}"]) for index in range(8)]
    assert own == pytest.approx(expected.tolist(), rel=1e-8)
    assert row["class"] == str(expected.argmax())
    assert float(row["probability"]) == pytest.approx(expected.max(), rel=1e-8)
    assert row["file"] == str(path)


def test_predict_min_probability_leaves_out_uncertain_classes(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    images = cells.test.images[:9]
    highest = calibrate(results, images).max(axis=1)
    minimum = float(np.median(highest))
    done = run(results, *save(tmp_path, images), "--json", "--min-probability", minimum)
    assert done.exit_code == 0, done.output
    found = [image["class"] is None for image in json.loads(done.stdout)["images"]]
    assert found == (highest < minimum).tolist()
    assert sum(found) == 4


@pytest.mark.parametrize("value", ["-0.1", "90", "nan"])
def test_predict_min_probability_beyond_its_range_raises(results: Path, value: str) -> None:
    done = run(results, "any.png", "--min-probability", value)
    assert isinstance(done.exception, DataError)
    assert isinstance(done.exception.value, float)
    assert done.exception.exit_code == 2


def run_pretrained(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", "--pretrained", *map(str, arguments)])


def test_predict_pretrained_classifies_files_and_splits(tmp_path: Path, cells: BloodCells) -> None:
    images = cells.test.images[:3]
    paths = save(tmp_path, images)
    np.savez(tmp_path / "cells.npz", test_images=images)
    done = run_pretrained(*paths, tmp_path / "cells.npz", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    model = PretrainedModel()
    assert (found["study"], found["trial"]) == (
        model.description.study,
        model.description.trial_ids[0],
    )
    expected = model.predict(images)
    own = [image["probabilities"] for image in found["images"]]
    np.testing.assert_allclose(own, [*expected, *expected], atol=1e-5)


@pytest.mark.parametrize(
    "words", [("--trial", "x"), ("--vote", "x"), ("--explain", "x"), ("--orientations",)]
)
def test_predict_pretrained_with_an_option_of_studies_raises(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    option = words[0]
    done = run_pretrained(tmp_path / "cell.png", *words)
    assert isinstance(done.exception, DataError)
    assert option in str(done.exception)


def test_predict_pretrained_skipped_file_exits_with_1(tmp_path: Path, cells: BloodCells) -> None:
    (path,) = save(tmp_path, cells.test.images[:1])
    done = run_pretrained(path, tmp_path / "missing.png")
    assert done.exit_code == 1
    assert path.name in done.stdout
    assert "missing.png" in done.stderr


def test_predict_without_an_image_raises(results: Path) -> None:
    for done in (run(results), run_pretrained(), CliRunner().invoke(app, ["predict"])):
        assert isinstance(done.exception, DataError)
        assert done.exception.exit_code == 2


def test_predict_pretrained_examples_are_classified() -> None:
    done = run_pretrained(ROOT / "examples/cells", "--json")
    assert done.exit_code == 0, done.output
    images = json.loads(done.stdout)["images"]
    classes = {Path(image["file"]).stem: image["class_name"] for image in images}
    assert len(classes) == 4
    assert classes["eosinophil"] == "eosinophil"
    assert [image["color_outlier"] for image in images] == [None] * 4


def test_predict_json_with_csv_raises(results: Path, tmp_path: Path) -> None:
    done = run(results, tmp_path, "--json", "--csv")
    assert isinstance(done.exception, DataError)
    assert done.stdout == ""


def test_predict_unusable_files_are_skipped_with_exit_code_1(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    (path,) = save(tmp_path, cells.test.images[:1])
    (tmp_path / "notes\n.txt").write_text("hello")
    done = run(results, tmp_path / "notes\n.txt", path, tmp_path / "none.png")
    assert done.exit_code == 1
    first, second = done.stderr.splitlines()
    assert f"{tmp_path}/notes?.txt" in first
    assert f"{tmp_path}/none.png" in second
    assert "000.png" in done.stdout
    nothing = run(results, tmp_path / "none.png", "--json")
    assert isinstance(nothing.exception, DataError)
    assert nothing.stdout == ""


def test_predict_table_fits_80_columns_and_ends_with_the_notice(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    paths = save(tmp_path, cells.test.images[:3])
    Image.new("RGB", (20, 300)).save(tmp_path / "black.png")
    done = run(results, *paths, tmp_path / "black.png")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("cnn-config-1-s0 of new: ")
    assert lines[-1] == RESEARCH_ONLY_NOTICE
    (black,) = (line for line in lines if "black.png" in line and line.rstrip().endswith("!"))
    assert black.startswith("…")
    text = "".join(done.stdout.split())  # a line may end within a name
    assert "black.png:everychanneldarkerandmoreeven" in text
    assert "black.png:enlargedfrom20x20pixels" in text
    assert "000.png:" not in text


def test_predict_folder_without_unusable_images_exits_with_0(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    """What is left out is named on standard error, apart from the data."""
    save(tmp_path, cells.test.images[:2])
    (tmp_path / "@eaDir").mkdir()
    save(tmp_path / "@eaDir", cells.test.images[:2])
    (tmp_path / "labels.csv").touch()
    done = run(results, tmp_path, "--csv")
    assert done.exit_code == 0, done.output
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 2
    (line,) = (line for line in done.stderr.splitlines() if "left out" in line)
    assert "1 system folder" in line
    assert "1 .csv file" in line
    (tmp_path / "cell.tga").touch()
    assert run(results, tmp_path, "--csv").exit_code == 1


def test_predict_with_a_model_of_synthetic_cells_warns_before_the_answers(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    ledger = Ledger(results / "new")
    known = replace(ledger.study.data, kind=DataKind.SYNTHETIC)
    shutil.copytree(results / "new", tmp_path / "synthetic")
    study = to_json(replace(ledger.study, data=known), indent=2)
    Ledger(tmp_path / "synthetic").files.write("study.json", study)
    (path,) = save(tmp_path, cells.test.images[:1])
    for output_format in ("--csv", "--json"):
        done = run(tmp_path, path, output_format, study="synthetic")
        assert done.exit_code == 0, done.output
        assert "warning" in done.stderr
    done = run(tmp_path, path, study="synthetic")
    assert done.output.index("warning") < done.output.index(path.name)
    assert "warning" not in run(results, path).stderr


def test_predict_unlike_images_are_announced_with_exit_code_0(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    paths = save(tmp_path, cells.test.images[:1])
    for name, color in (("white", "white"), ("black", "black")):
        Image.new("RGB", (300, 200), color).save(tmp_path / f"{name}.png")
    done = run(results, *paths, tmp_path / "white.png", tmp_path / "black.png", "--csv")
    assert done.exit_code == 0, done.output
    assert "2 of 3 images" in done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [bool(row["color_outlier"]) for row in rows] == [False, True, True]


def test_predict_on_the_test_split_is_entered_as_a_test_evaluation(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    """In any file, under any split and in any order, but not image by image."""
    folder, before = copy_tested(results, tmp_path, cells)
    np.savez(tmp_path / "other.npz", allow_pickle=False, val_images=cells.test.images[::-1])
    done = run(tmp_path, tmp_path / "other.npz", "--split", "val", study="tested")
    assert done.exit_code == 0, done.output
    (event,) = Ledger(folder).log.read_events()[len(before) :]
    assert (event.kind, event.attempt) == ("tested", 1)
    assert event.trial_id == Ledger(folder).study.trials[0].id
    assert "test evaluation" in done.stderr
    np.savez(tmp_path / "fewer.npz", allow_pickle=False, test_images=cells.test.images[1:])
    done = run(tmp_path, tmp_path / "fewer.npz", study="tested")
    assert len(Ledger(folder).log.read_events()) == len(before) + 1
    assert "test evaluation" not in done.stderr


def test_predict_on_the_test_split_of_a_study_that_cannot_be_written_says_so(
    results: Path, tmp_path: Path, cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, before = copy_tested(results, tmp_path, cells)
    np.savez(tmp_path / "test.npz", allow_pickle=False, test_images=cells.test.images)
    with lock_study(folder):
        done = run(tmp_path, tmp_path / "test.npz", study="tested")
    assert done.exit_code == 0
    assert "could not be logged" in done.stderr

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(LocalStorage, "write", refuse)
    done = run(tmp_path, tmp_path / "test.npz", "--csv", study="tested")
    assert done.exit_code == 0
    assert "Read-only file system" in done.stderr
    assert done.stdout.count("\n") == 1 + len(cells.test.images)
    assert Ledger(folder).log.read_events() == before


def copy_tested(results: Path, folder: Path, cells: BloodCells) -> tuple[Path, list[Event]]:
    """Copy the study as `tested`, with the hash of these test images; return its events, too."""
    ledger = Ledger(Path(shutil.copytree(results / "new", folder / "tested")))
    data = replace(
        ledger.study.data,
        test_sha256=hash_images(cells.test.images),
        class_counts=count_classes(cells),
    )
    ledger.files.write("study.json", to_json(replace(ledger.study, data=data), indent=2))
    return ledger.folder, ledger.log.read_events()


def test_predict_vote_has_the_calibrated_stored_mean_and_logs_each_member(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = build_weighted_study(tmp_path / "voting", cells)
    before = len(ledger.log.read_events())
    np.savez(tmp_path / "test.npz", allow_pickle=False, test_images=cells.test.images)
    done = run(tmp_path, tmp_path / "test.npz", "--vote", "cnn-config-1", "--json", study="voting")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    ids = [trial.id for trial in ledger.study.trials]
    assert found["trial"].split() == ids
    stored = [read_predictions(ledger, trial_id, "test").probabilities for trial_id in ids]
    probabilities = [image["probabilities"] for image in found["images"]]
    expected = scale_probabilities(np.mean(stored, axis=0), found["temperature"])
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    events = Ledger(ledger.location).log.read_events()[before:]
    assert [(event.kind, event.trial_id) for event in events] == [("tested", i) for i in ids]


def test_predict_orientations_are_the_same_for_a_turned_image(
    results: Path, tmp_path: Path, cells: BloodCells
) -> None:
    image = cells.test.images[0]
    paths = save(tmp_path, np.stack([image, np.rot90(image), image.transpose(1, 0, 2)]))
    done = run(results, *paths, "--orientations", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["orientations"], found["temperature"]) == (8, 1)
    assert found["temperature_state"] == "other views"
    first, *others = [image["probabilities"] for image in found["images"]]
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)
    plain = json.loads(run(results, paths[0], "--json").stdout)
    assert plain["orientations"] == 1
    assert not np.allclose(plain["images"][0]["probabilities"], first, atol=1e-4)


def test_predict_of_a_study_with_orientations_has_its_stored_probabilities(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = build_weighted_study(tmp_path / "averaged", cells, n_seeds=1, orientations=True)
    np.savez(tmp_path / "test.npz", allow_pickle=False, test_images=cells.test.images)
    done = run(tmp_path, tmp_path / "test.npz", "--json", study="averaged")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["orientations"] == 8
    stored = read_predictions(ledger, ledger.study.trials[0].id, "test").probabilities
    probabilities = [image["probabilities"] for image in found["images"]]
    expected = scale_probabilities(stored, found["temperature"])
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    text = run(tmp_path, tmp_path / "test.npz", study="averaged").stdout
    assert "eight orientations" in text


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of `residual`, a study of an untrained resnet and an MLNN."""
    folder = tmp_path_factory.mktemp("residual")
    matrix = make_published_matrices()["cnn-config-1"]
    config = make_config_record(replace(RESNET, width=4, seed=0))
    add_models(
        build_grid(
            folder / "residual",
            {"resnet": matrix, "mlnn-config-1": matrix},
            config_overrides={"resnet": config},
        )
    )
    return folder


def explain(residual: Path, folder: Path, *arguments: object, trial: str = "resnet") -> Result:
    words = [*arguments, "--trial", trial, "--explain", folder / "figures"]
    return run(residual, *words, study="residual")


def test_predict_explain_writes_a_figure_of_each_image_and_keeps_stdout(
    residual: Path, tmp_path: Path, cells: BloodCells
) -> None:
    (tmp_path / "cells").mkdir()
    save(tmp_path / "cells", cells.test.images[:2])
    done = explain(residual, tmp_path, tmp_path / "cells", "--json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["images"]) == 2
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["001-000.png", "002-001.png"]
    again = explain(residual, tmp_path, tmp_path / "cells")
    assert isinstance(again.exception, ConflictError)
    assert again.stdout == ""


def test_predict_explain_more_than_100_images_is_refused(
    residual: Path, tmp_path: Path, cells: BloodCells
) -> None:
    images = np.repeat(cells.test.images[:1], 101, axis=0)
    np.savez(tmp_path / "many.npz", allow_pickle=False, test_images=images)
    done = explain(residual, tmp_path, tmp_path / "many.npz")
    assert isinstance(done.exception, DataError)
    assert done.stdout == ""
    assert not (tmp_path / "figures").exists()


def test_predict_explain_with_another_network_or_a_vote_is_refused(
    residual: Path, tmp_path: Path, cells: BloodCells
) -> None:
    (path,) = save(tmp_path, cells.test.images[:1])
    done = explain(residual, tmp_path, path, trial="mlnn-config-1")
    assert isinstance(done.exception, DataError)
    assert done.exception.value == "mlnn"
    words = ["--vote", "resnet", "--explain", tmp_path / "figures"]
    voted = run(residual, path, *words, study="residual")
    assert isinstance(voted.exception, DataError)
    averaged = run(residual, path, "--orientations", *words[2:], study="residual")
    assert isinstance(averaged.exception, DataError)
    for refused in (done, voted, averaged):
        assert refused.stdout == ""
    assert not (tmp_path / "figures").exists()


def test_predict_trial_and_vote_are_refused(results: Path, tmp_path: Path) -> None:
    done = run(results, tmp_path / "any.png", "--trial", "a", "--vote", "b")
    assert isinstance(done.exception, DataError)
