"""`bloodstudy predict` on images of every kind: what it says, prints, leaves out and returns."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.training.loop import predict_probabilities
from reports.ledger.ledger import Ledger
from reports.ledger.serialization import to_json
from study.cli.main import app
from study.datasets.color_stats import compute_color_stats
from study.inference import prediction_output
from study.inference.input_images import InputImage, read_input_images
from study.inference.model_selection import select_model
from study.inference.predict import Prediction, classify_images
from tests.helpers.grid_builder import COLOR_STATS, build_grid, make_published_matrices
from tests.helpers.models import add_models


@pytest.fixture(scope="module")
def cells() -> dict[str, NDArray[np.uint8]]:
    return generate_synthetic_arrays(scale=0.02)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, cells: dict[str, NDArray[np.uint8]]) -> Path:
    """`new`, a study that was trained on images with these colors."""
    folder = tmp_path_factory.mktemp("results")
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = build_grid(folder / "new", matrices)
    add_models(ledger)
    study = ledger.study
    known = replace(study.data, color_stats=compute_color_stats(cells["train_images"]))
    (folder / "new/study.json").write_bytes(to_json(replace(study, data=known), indent=2))
    return folder


def run(results: Path, *arguments: object, study: str = "new") -> Result:
    words = ["predict", study, "--storage", str(results), *map(str, arguments)]
    return CliRunner().invoke(app, words, env={"COLUMNS": "80"})


def save(folder: Path, images: NDArray[np.uint8]) -> list[Path]:
    paths = [folder / f"{index:03}.png" for index in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def recorded(results: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a study would have recorded of the images."""
    chosen = select_model(Ledger(results / "new"), None)
    return predict_probabilities(chosen.model, torch.from_numpy(images), chosen.config.loss)


def test_classify_images_few_images_have_the_probabilities_of_a_full_batch(
    results: Path, tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    images = cells["train_images"][:200]
    expected = recorded(results, images)
    chosen = select_model(Ledger(results / "new"), None)
    for count in (1, 3, 130):
        shown = (InputImage(str(index), images[index]) for index in range(count))
        found = list(classify_images(chosen, COLOR_STATS, shown))
        assert [each.name for each in found] == [str(index) for index in range(count)]
        assert np.array_equal([each.probabilities for each in found], expected[:count])


def test_classify_images_reads_no_more_than_a_batch_ahead(
    results: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    taken = 0

    def many() -> Iterator[InputImage]:
        nonlocal taken
        for taken in range(1, 301):  # noqa: B007 - read below
            yield InputImage("x", cells["train_images"][0])

    chosen = select_model(Ledger(results / "new"), None)
    next(classify_images(chosen, COLOR_STATS, many()))
    assert taken == 128


def test_format_json_holds_every_probability(
    results: Path, tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    paths = save(tmp_path, cells["test_images"][:5])
    done = run(results, *paths, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["trial"].startswith("cnn-config-1-s0-")
    assert "no diagnosis" in found["notice"]
    assert [each["file"] for each in found["images"]] == [str(path) for path in paths]
    expected = recorded(results, cells["test_images"][:5])
    for each, row in zip(found["images"], expected, strict=True):
        assert np.array_equal(np.float32(each["probabilities"]), row)
        assert each["class"] == row.argmax()
        assert each["class_name"] == found["class_names"][row.argmax()]
        assert each["probability"] == row.max()


def test_format_csv_holds_every_probability(
    results: Path, tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    (path,) = save(tmp_path, cells["test_images"][:1])
    done = run(results, path, "--csv")
    assert done.exit_code == 0, done.output
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    (expected,) = recorded(results, cells["test_images"][:1])
    own = [np.float32(row[f"probability_{index}"]) for index in range(8)]
    assert np.array_equal(own, expected)
    assert row["class"] == str(expected.argmax())
    assert np.float32(row["probability"]) == expected.max()
    assert row["file"] == str(path)


def test_predict_json_with_csv_raises(results: Path, tmp_path: Path) -> None:
    done = run(results, tmp_path, "--json", "--csv")
    assert isinstance(done.exception, Exception)
    assert "exclude each other" in str(done.exception)


def test_read_input_images_folders_and_archives_give_each_image(
    tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    """Folders in folders too, without hidden files; of an archive the split that is asked for."""
    (tmp_path / "a/b").mkdir(parents=True)
    save(tmp_path / "a/b", cells["val_images"][:2])
    (tmp_path / "a/.hidden.png").write_text("x")
    (tmp_path / "a/notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "c.npz", val_images=cells["val_images"][:3])
    left_out: list[str] = []
    paths = [tmp_path / name for name in ("a", "empty", "c.npz")]
    found = list(read_input_images(paths, split="val", crop=None, on_skip=left_out.append))
    assert [Path(each.name).relative_to(tmp_path).as_posix() for each in found] == [
        "a/b/000.png", "a/b/001.png", "c.npz:val/0", "c.npz:val/1", "c.npz:val/2"
    ]  # fmt: skip
    assert np.array_equal(found[1].pixels, found[3].pixels)
    (line,) = left_out
    assert line.startswith(f"{tmp_path / 'empty'} holds no image file: none ends in .bmp, .gif")
    list(read_input_images(paths[2:], split="test", crop=None, on_skip=left_out.append))
    assert "c.npz lacks the key test_images" in left_out[-1]


def test_predict_unusable_files_are_skipped_with_exit_code_1(
    results: Path, tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    (path,) = save(tmp_path, cells["test_images"][:1])
    (tmp_path / "notes\n.txt").write_text("hello")
    done = run(results, tmp_path / "notes\n.txt", path, tmp_path / "none.png")
    assert done.exit_code == 1
    first, second = done.stderr.splitlines()
    assert first.startswith(f"bloodstudy: left out: {tmp_path}/notes?.txt is no image")
    assert second == f"bloodstudy: left out: {tmp_path}/none.png does not exist"
    assert "000.png" in done.stdout
    nothing = run(results, tmp_path / "none.png", "--json")
    assert str(nothing.exception) == "no image could be used"
    assert nothing.stdout == ""


def test_predict_table_fits_80_columns_and_ends_with_the_notice(
    results: Path, tmp_path: Path, cells: dict[str, NDArray[np.uint8]]
) -> None:
    paths = save(tmp_path, cells["test_images"][:3])
    Image.new("RGB", (20, 300)).save(tmp_path / "black.png")
    done = run(results, *paths, tmp_path / "black.png")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("cnn-config-1-s0 of new: macro F1 ")
    assert lines[-1] == prediction_output.RESEARCH_ONLY_NOTICE
    (black,) = (line for line in lines if "black.png" in line and line.rstrip().endswith("!"))
    assert black.startswith("…")
    text = "".join(done.stdout.split())  # a line may end within a name
    assert "black.png:everychanneldarkerandmoreeven" in text
    assert "black.png:enlargedfrom20x20pixels" in text
    assert "000.png:" not in text


def test_ranked_classes_are_ordered_by_probability() -> None:
    row = np.array([0.1, 0.3, 0.05, 0.3, 0.05, 0.1, 0.05, 0.05], np.float32)
    found = Prediction(name="x", probabilities=row, color_outlier=None, note=None)
    assert found.ranked_classes[:2] == [1, 3]


def test_format_footer_lines_many_outliers_are_listed_up_to_a_limit(results: Path) -> None:
    row = np.full(8, 0.125, np.float32)
    odd = [
        Prediction(name=f"{index}.png", probabilities=row, color_outlier="red darker", note=None)
        for index in range(prediction_output.MAX_LISTED_IMAGES + 3)
    ]
    lines = list(prediction_output.format_footer_lines(odd))
    assert lines[-2] == "  and 3 others (--json and --csv name all)"
    assert len(lines) == prediction_output.MAX_LISTED_IMAGES + 3
