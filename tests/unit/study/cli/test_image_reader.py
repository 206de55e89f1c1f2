"""Images that a command reads, and what it skips."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bloodnets.errors import DataError
from reports.ledger.data_record import DataRecord
from study.cli.image_reader import ImageOptions, ImageReader
from tests.helpers.grid_builder import build_grid, make_published_matrices


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataRecord:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    return build_grid(tmp_path_factory.mktemp("results") / "s", matrices).study.data


def test_read_unreadable_file_is_skipped(
    data: DataRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (28, 28), "white").save(tmp_path / "cell.png")
    reader = ImageReader(data, ImageOptions())
    (image,) = reader.read([tmp_path / "missing.png", tmp_path / "cell.png"])
    assert np.array_equal(image.pixels, np.full((28, 28, 3), 255, np.uint8))
    assert reader.has_skipped
    assert reader.test_file is None
    assert "missing.png" in capsys.readouterr().err


def test_read_without_an_image_raises(data: DataRecord, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        ImageReader(data, ImageOptions()).read([tmp_path / "missing.png"])


def test_read_other_split_than_test_is_no_test_file(data: DataRecord, tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", val_images=np.zeros((2, 28, 28, 3), np.uint8))
    reader = ImageReader(data, ImageOptions(split="val"))
    assert len(list(reader.read([tmp_path / "cells.npz"]))) == 2
    assert (reader.test_file, reader.has_skipped) == (None, False)
