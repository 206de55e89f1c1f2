"""Options of the data: they are loaded, downloaded or refused."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets import medmnist_sets
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import parse_option
from study.cli.data_options import DataOptions
from study.cli.options import require_data_name
from tests.helpers.download_server import CONTENT, FILE_NAME, MD5, run_server
from tests.helpers.medmnist_files import write_official
from tests.helpers.npz_files import saved, sound


def test_load_synthetic_with_a_file_raises() -> None:
    with pytest.raises(DataError):
        DataOptions(data="synthetic", data_file=Path("cells.npz")).load(nullcontext())


@pytest.mark.parametrize("data", ["synthetic", "dermamnist", "bloodmnist:64"])
def test_load_named_data_with_a_file_raises(data: str) -> None:
    with pytest.raises(DataError) as caught:
        DataOptions(data=data, data_file=Path("cells.npz")).load(nullcontext())
    assert data in caught.value.problem


@pytest.mark.parametrize("option", ["dermamnist", "octmnist:64", "bloodmnist:128"])
def test_load_named_data_of_medmnist_are_read_from_the_root(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parse_option(option)
    write_official(monkeypatch, tmp_path, file.data_set.name, file.side)
    cells = DataOptions(data=option, data_root=tmp_path).load(nullcontext())
    assert (cells.kind, cells.name) == ("medmnist", file.file_name)
    assert cells.class_names == file.data_set.class_names
    assert cells.shape.side == file.side


def test_load_named_data_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_server() as server:
        url = server.url.replace(FILE_NAME, "{file_name}")
        monkeypatch.setattr(medmnist_sets, "FILE_URL", url)
        sets = medmnist_sets.load_sets()
        known = replace(sets["octmnist"], md5={28: MD5})
        monkeypatch.setattr(medmnist_sets, "load_sets", lambda: {**sets, "octmnist": known})
        with pytest.raises(DataError) as caught:  # the downloaded bytes are no npz file
            DataOptions(data="octmnist", data_root=tmp_path).load(nullcontext())
    assert caught.value.path == str(tmp_path / "octmnist.npz")
    assert (tmp_path / "octmnist.npz").read_bytes() == CONTENT


def test_load_other_cells_under_the_name_of_a_data_set_raises(tmp_path: Path) -> None:
    saved(tmp_path / "dermamnist.npz")
    with pytest.raises(DataError) as caught:
        DataOptions(data="dermamnist", data_root=tmp_path).load(nullcontext())
    assert caught.value.expected == parse_option("dermamnist").md5
    assert "remove" in str(caught.value.remedy)
    saved(tmp_path / "bloodmnist.npz")
    assert DataOptions(data_root=tmp_path).load(nullcontext()).kind == "file"


def test_load_with_drop_duplicates_returns_the_data_without_them(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][0] = arrays["test_images"][0]
    path = saved(tmp_path / "cells.npz", arrays)
    kept = DataOptions(data_file=path).load(nullcontext())
    assert kept.dropped is None
    dropped = DataOptions(data_file=path, drop_duplicates=True).load(nullcontext())
    assert dropped.dropped == {"train": 1, "val": 0}
    assert len(dropped.train.labels) == len(kept.train.labels) - 1


@pytest.mark.parametrize(
    ("data", "names_data"),
    [
        (DataOptions(), False),
        (DataOptions(drop_duplicates=True), False),
        (DataOptions(data="bloodmnist"), True),
        (DataOptions(data_file=Path("cells.npz")), True),
        (DataOptions(data_root=Path("folder")), False),
    ],
)
def test_names_data_is_true_only_with_an_option_for_the_data(
    data: DataOptions, names_data: bool
) -> None:
    assert data.names_data == names_data


@pytest.mark.parametrize("option", ["data_root", "data_file"])
def test_load_damaged_file_is_to_be_removed_only_if_it_is_a_download(
    tmp_path: Path, option: str
) -> None:
    file = tmp_path / "bloodmnist.npz"
    file.write_bytes(b"damaged")
    data = DataOptions(data_root=tmp_path) if option == "data_root" else DataOptions(data_file=file)
    with pytest.raises(DataError) as caught:
        data.load(nullcontext())
    assert caught.value.path == str(file)
    assert ("remove" in str(caught.value.remedy)) == (option == "data_root")


@pytest.mark.parametrize(
    ("name", "words"), [("cells", "prepare cells"), ("cells.npz", "--data-file")]
)
def test_require_data_name_of_a_path_that_exists_names_the_remedy(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells.npz").touch()
    with pytest.raises(DataError) as caught:
        require_data_name(name)
    assert words in str(caught.value.remedy)
