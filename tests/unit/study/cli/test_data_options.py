"""Options of the data: they are loaded, downloaded or refused."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets import medmnist_sets
from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError, DataError
from bloodnets.medmnist_sets import parse_option
from study.cli.data_options import DataOptions
from study.cli.option_groups import RunOptions
from study.datasets.data_record import count_groups
from tests.helpers.download_server import CONTENT, FILE_NAME, MD5, run_server
from tests.helpers.image_folders import write_classes
from tests.helpers.medmnist_files import write_official
from tests.helpers.npz_files import saved, sound


def load(data: DataOptions, storage: str = "results", **run: bool) -> BloodCells:
    return data.load(nullcontext(), storage=storage, run=RunOptions(**run))


def test_load_synthetic_with_a_file_raises() -> None:
    with pytest.raises(DataError):
        load(DataOptions(data="synthetic", data_file=Path("cells.npz")))


@pytest.mark.parametrize("data", ["synthetic", "dermamnist", "bloodmnist:64"])
def test_load_named_data_with_a_file_raises(data: str) -> None:
    with pytest.raises(DataError) as caught:
        load(DataOptions(data=data, data_file=Path("cells.npz")))
    assert data in caught.value.problem


@pytest.mark.parametrize("option", ["dermamnist", "octmnist:64", "bloodmnist:128"])
def test_load_named_data_of_medmnist_are_read_from_the_root(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parse_option(option)
    write_official(monkeypatch, tmp_path, file.data_set.name, file.side)
    cells = load(DataOptions(data=option, data_root=tmp_path))
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
            load(DataOptions(data="octmnist", data_root=tmp_path))
    assert caught.value.path == str(tmp_path / "octmnist.npz")
    assert (tmp_path / "octmnist.npz").read_bytes() == CONTENT


def test_load_other_cells_under_the_name_of_a_data_set_raises(tmp_path: Path) -> None:
    saved(tmp_path / "dermamnist.npz")
    with pytest.raises(DataError) as caught:
        load(DataOptions(data="dermamnist", data_root=tmp_path))
    assert caught.value.expected == parse_option("dermamnist").md5
    assert "remove" in str(caught.value.remedy)
    saved(tmp_path / "bloodmnist.npz")
    assert load(DataOptions(data_root=tmp_path)).kind == "file"


def test_load_with_drop_duplicates_returns_the_data_without_them(tmp_path: Path) -> None:
    arrays = sound()
    arrays["train_images"][0] = arrays["test_images"][0]
    path = saved(tmp_path / "cells.npz", arrays)
    kept = load(DataOptions(data_file=path))
    assert kept.dropped is None
    dropped = load(DataOptions(data_file=path, drop_duplicates=True))
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
        load(data)
    assert caught.value.path == str(file)
    assert ("remove" in str(caught.value.remedy)) == (option == "data_root")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with the folder of images `cells`."""
    write_classes(tmp_path / "cells", {"a": 9, "b": 9})
    (tmp_path / "cells/b/damaged.png").write_bytes(b"damaged")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def list_new_files(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith("cells/")}


def test_load_folder_is_prepared_in_the_storage_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = load(DataOptions(data="cells:16"))
    assert cells.path == folder / "results/cells-16.npz"
    assert (cells.class_names, cells.shape.side, cells.shape.channels) == (("a", "b"), 16, 3)
    assert list_new_files(folder) == {"results/cells-16.npz", "results/cells-16.json"}
    error = capsys.readouterr().err
    assert "skipped: b/damaged.png" in error
    assert "data file: results/cells-16.npz" in error


def test_load_folder_again_uses_the_same_file(folder: Path) -> None:
    first = load(DataOptions(data="cells"))
    assert first.path is not None
    before = first.path.stat()
    again = load(DataOptions(data="./cells/"))
    assert (again.path, again.sha256) == (first.path, first.sha256)
    assert first.path.stat() == before


@pytest.mark.parametrize("kind", ["image", "groups", "name"])
def test_load_folder_that_has_changed_raises_conflict_error(folder: Path, kind: str) -> None:
    path = load(DataOptions(data="cells")).path
    assert path is not None
    content = path.read_bytes()
    if kind == "image":
        (folder / "cells/a/1.png").write_bytes((folder / "cells/a/2.png").read_bytes())
    elif kind == "groups":
        (folder / "cells/groups.csv").write_text("file,group\na/1.png,p\na/2.png,p\n")
    else:
        (folder / "cells/a/1.png").rename(folder / "cells/b/new.png")
    with pytest.raises(ConflictError) as caught:
        load(DataOptions(data="cells"))
    assert caught.value.path == "results/cells-28.npz"
    assert caught.value.remedy is not None
    assert path.read_bytes() == content


def test_load_folder_whose_file_has_changed_raises_conflict_error(folder: Path) -> None:
    load(DataOptions(data="cells"))
    path = saved(folder / "results/cells-28.npz")
    with pytest.raises(ConflictError) as caught:
        load(DataOptions(data="cells"))
    assert caught.value.path == str(path.relative_to(folder))


def test_load_folder_uses_its_groups(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{name}/{index}.png,p{index}" for name in "ab" for index in range(8)]
    (folder / "cells/groups.csv").write_text("\n".join(["file,group", *rows]))
    groups = count_groups(load(DataOptions(data="cells")))
    assert groups is not None
    assert (groups.count, groups.across_splits) == (10, 0)  # two images have no row
    assert "no group of 2 images" in capsys.readouterr().err


def test_load_folder_in_a_dry_run_or_quietly_writes_or_prints_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dry = load(DataOptions(data="cells"), dry_run=True)
    assert list_new_files(folder) == set()
    assert not (folder / "results").exists()
    assert "data file" not in capsys.readouterr().err
    cells = load(DataOptions(data="cells"), quiet=True)
    assert cells.sha256 == dry.sha256
    assert capsys.readouterr().err == ""
    load(DataOptions(data="cells"), dry_run=True)  # uses the file
    assert "data file: results/cells-28.npz" in capsys.readouterr().err


def test_load_folder_with_storage_at_an_address_is_prepared_in_the_current_folder(
    folder: Path,
) -> None:
    cells = load(DataOptions(data="cells"), "s3://bucket/studies")
    assert cells.path == folder / "cells-28.npz"


@pytest.mark.parametrize("option", ["data_root", "data_file"])
def test_load_folder_with_another_source_raises(folder: Path, option: str) -> None:
    with pytest.raises(DataError):
        load(DataOptions(data="cells", **{option: folder}))  # type: ignore[arg-type]
    assert list_new_files(folder) == set()


def test_load_folder_without_images_raises_and_writes_nothing(folder: Path) -> None:
    (folder / "empty/a").mkdir(parents=True)
    (folder / "empty/b").mkdir()
    with pytest.raises(DataError):
        load(DataOptions(data="empty"))
    assert not (folder / "results").exists()
