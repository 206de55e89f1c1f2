"""Where the data of a study are found."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets import medmnist_sets
from bloodnets.data.medmnist import BloodCells, load_file, load_synthetic
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import MedMnistFile, get_bloodmnist, load_sets
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from reports.ledger.serialization import to_json
from reports.ledger.states import DataKind
from study.datasets.data_record import make_data_record
from study.datasets.duplicates import drop_duplicates
from study.datasets.lookup import find_data_paths, find_test_images, load_study_data
from tests.helpers.download_server import FILE_NAME, run_server, send
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, make_published_matrices
from tests.helpers.medmnist_files import patch_md5
from tests.helpers.npz_files import saved, sound


@pytest.fixture
def file(tmp_path: Path, cells: BloodCells) -> Path:
    """Return a file of the study's data, where the study had it."""
    assert cells.path is not None
    path = tmp_path / "cells.npz"
    path.write_bytes(cells.path.read_bytes())
    return path


@pytest.fixture
def study(tmp_path: Path, cells: BloodCells, file: Path) -> StudyRecord:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    data = make_data_record(replace(cells, path=file))
    return replace(build_grid(tmp_path / "s", matrices).study, data=data)


def test_load_study_data_recorded_file_is_loaded(study: StudyRecord, file: Path) -> None:
    assert load_study_data(study, None).sha256 == study.data.sha256


def test_load_study_data_moved_file_is_loaded_if_it_is_given(
    study: StudyRecord, file: Path
) -> None:
    moved = file.rename(file.with_name("moved.npz"))
    with pytest.raises(DataError) as caught:
        load_study_data(study, None)
    assert caught.value.path == str(file)
    assert "--data-file" in str(caught.value.remedy)
    assert load_study_data(study, moved).sha256 == study.data.sha256


def test_load_study_data_other_file_raises(
    study: StudyRecord, cells: BloodCells, file: Path
) -> None:
    other = file.with_name("other.npz")
    with np.load(file) as arrays:
        np.savez(other, allow_pickle=False, **{**arrays, "more": np.zeros(1)})
    with pytest.raises(DataError, match="--data-file") as caught:
        load_study_data(study, other)
    assert caught.value.path == str(other)
    assert caught.value.value != study.data.sha256
    assert study.data.sha256[:12] in str(caught.value.expected)


def test_find_data_paths_file_of_medmnist_may_be_in_medmnists_folder(
    study: StudyRecord, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [*find_data_paths(study)] == [file]
    derma = MedMnistFile(load_sets()["dermamnist"], 64)
    for known_file in (get_bloodmnist(), derma):
        known = replace(study, data=replace(study.data, md5=known_file.md5))
        assert [*find_data_paths(known)] == [file, tmp_path / ".medmnist" / known_file.file_name]


def test_load_study_data_missing_file_of_medmnist_is_downloaded_on_request(
    study: StudyRecord, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = patch_md5(monkeypatch, "octmnist", 64, file)
    content = file.read_bytes()
    file.unlink()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataError):
        load_study_data(study, None)
    with run_server() as server:
        server.answers = [lambda handler: send(handler, content, len(content))]
        url = server.url.replace(FILE_NAME, "{file_name}")
        monkeypatch.setattr(medmnist_sets, "FILE_URL", url)
        for _ in range(2):
            assert load_study_data(study, None, download=True).sha256 == study.data.sha256
        assert server.requests == 1
    assert [*(tmp_path / ".medmnist").iterdir()] == [tmp_path / ".medmnist" / known.file_name]


def test_find_test_images_missing_or_changed_file_is_none(
    study: StudyRecord, cells: BloodCells, file: Path
) -> None:
    found = find_test_images(study, None)
    assert found is not None
    np.testing.assert_array_equal(found, cells.test.images)
    file.write_bytes(b"changed")
    assert find_test_images(study, None) is None
    with pytest.raises(DataError):
        find_test_images(study, file)
    file.unlink()
    assert find_test_images(study, None) is None


def build_synthetic_study(folder: Path) -> Ledger:
    """A study that was trained on the synthetic cells of this version."""
    ledger = build_grid(folder, {"cnn-config-1": [ASYMMETRIC]}, kind=DataKind.SYNTHETIC)
    data = replace(ledger.study.data, sha256=load_synthetic().sha256)
    (folder / "study.json").write_bytes(to_json(replace(ledger.study, data=data), indent=2))
    return Ledger(folder)


def test_find_test_images_of_synthetic_cells_returns_those_of_the_study(tmp_path: Path) -> None:
    study = build_synthetic_study(tmp_path / "s").study
    images = find_test_images(study, None)
    assert images is not None
    np.testing.assert_array_equal(images, load_synthetic().test.images)
    other = replace(study, data=replace(study.data, sha256="0" * 64))
    assert find_test_images(other, None) is None


def test_find_test_images_of_synthetic_cells_imports_neither_torch_nor_medmnist(
    tmp_path: Path,
) -> None:
    folder = build_synthetic_study(tmp_path / "s").folder
    code = (
        "import sys; from pathlib import Path; from reports.ledger.ledger import Ledger\n"
        "from study.datasets.lookup import find_test_images\n"
        f"assert find_test_images(Ledger(Path({str(folder)!r})).study, None) is not None\n"
        "print(sorted({'torch', 'ray', 'medmnist'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.stdout.split() == ["[]"], done.stderr


def test_load_study_data_drops_duplicates_if_the_study_did(
    study: StudyRecord, tmp_path: Path
) -> None:
    arrays = sound()
    arrays["train_images"][0] = arrays["test_images"][0]
    path = saved(tmp_path / "duplicates.npz", arrays)
    cells = load_file(path)
    dropped = replace(study, data=make_data_record(drop_duplicates(cells)))
    assert load_study_data(dropped, None).dropped == {"train": 1, "val": 0}
    kept = replace(study, data=make_data_record(cells))
    assert load_study_data(kept, path).dropped is None
    np.testing.assert_array_equal(find_test_images(dropped, path), cells.test.images)
