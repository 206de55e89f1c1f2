"""The value of `--data`: names of data sets win over folders."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from bloodnets.medmnist_sets import MedMnistFile
from study.cli.data_source import FolderSource, parse_data_source, require_data_source


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has folders and a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("cells", "a:b", "cells:9", "bloodmnist", "chestmnist", "synthetic"):
        (tmp_path / name).mkdir()
    (tmp_path / "cells.npz").touch()
    return tmp_path


@pytest.mark.parametrize("value", ["synthetic", "bloodmnist", "retinamnist", "octmnist:224", None])
def test_require_data_source_known_data_are_returned(value: str | None) -> None:
    assert require_data_source(value) == value


def test_parse_data_source_synthetic_is_none() -> None:
    assert parse_data_source("synthetic") is None


@pytest.mark.parametrize("value", ["bloodmnist", "bloodmnist:64"])
def test_parse_data_source_name_of_a_data_set_wins_over_a_folder(value: str) -> None:
    assert isinstance(parse_data_source(value), MedMnistFile)


@pytest.mark.parametrize(
    ("value", "name", "side"),
    [
        ("cells", "cells", 28),
        ("cells:64", "cells", 64),
        ("cells/:8", "cells", 8),
        ("./bloodmnist", "bloodmnist", 28),
        ("./synthetic:256", "synthetic", 256),
        ("a:b", "a:b", 28),
        ("a:b:32", "a:b", 32),
        ("cells:9", "cells:9", 28),
        (".:64", ".", 64),
    ],
)
def test_parse_data_source_folder_has_a_side(value: str, name: str, side: int) -> None:
    assert parse_data_source(value) == FolderSource(Path(name), side)


def test_parse_data_source_home_folder_is_expanded(folder: Path) -> None:
    assert parse_data_source("~/cells:32") == FolderSource(folder / "cells", 32)


@pytest.mark.parametrize(
    "value",
    [
        *("cells:7", "cells:257", "cells:", "cells:x", "cells:-8", "cells:" + "9" * 5000),
        *("synthetic:64", "chestmnist", "bloodmnist:65", "cells.npz", "no/cells", ""),
    ],
)
def test_parse_data_source_unusable_value_raises(value: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_data_source(value)
    assert caught.value.value == value
    assert caught.value.expected is not None


@pytest.mark.parametrize(
    ("value", "word"), [("dermamnst", "dermamnist"), ("cells.npz", "--data-file")]
)
def test_parse_data_source_unknown_name_or_file_has_a_remedy(value: str, word: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_data_source(value)
    assert word in str(caught.value.remedy)
