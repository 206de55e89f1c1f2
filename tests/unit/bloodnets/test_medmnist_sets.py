"""What we state of MedMNIST is what the package `medmnist` says; names and sides of `--data`."""

import subprocess
import sys

import pytest
from medmnist import INFO

from bloodnets.constants import CLASS_NAMES
from bloodnets.errors import DataError
from bloodnets.medmnist_sets import (
    MedMnistFile,
    find_file,
    get_bloodmnist,
    load_sets,
    parse_option,
)

SIDES = (28, 64, 128, 224)


@pytest.mark.parametrize("name", list(load_sets()))
def test_load_sets_facts_are_those_of_medmnist(name: str) -> None:
    data_set, info = load_sets()[name], INFO[name]
    assert data_set.name == name
    assert data_set.title == info["python_class"]
    assert data_set.task == info["task"]
    assert data_set.channels == info["n_channels"]
    assert data_set.n_images == info["n_samples"]
    assert data_set.license == info["license"]
    prefix = "grade " if data_set.is_ordinal else ""
    names = {str(i): name.removeprefix(prefix) for i, name in enumerate(data_set.class_names)}
    assert names == info["label"]
    assert [*data_set.md5] == [*SIDES]
    for side in SIDES:
        file, suffix = MedMnistFile(data_set, side), "" if side == 28 else f"_{side}"
        assert file.file_name == f"{name}{suffix}.npz"
        assert (file.md5, file.url) == (info[f"MD5{suffix}"], info[f"url{suffix}"])
        assert find_file(file.md5) == file


@pytest.mark.parametrize("name", list(INFO))
def test_parse_option_sets_with_one_label_per_flat_image_are_accepted(name: str) -> None:
    is_flat = not name.endswith("3d")
    if is_flat and "multi-label" not in INFO[name]["task"]:
        assert parse_option(name).data_set.name == name
        return
    with pytest.raises(DataError) as caught:
        parse_option(name)
    assert caught.value.value == name
    assert ("several labels" if is_flat else "three dimensions") in caught.value.problem


@pytest.mark.parametrize(
    ("text", "side", "option", "title"),
    [
        ("dermamnist", 28, "dermamnist", "DermaMNIST"),
        ("dermamnist:28", 28, "dermamnist", "DermaMNIST"),
        ("dermamnist:64", 64, "dermamnist:64", "DermaMNIST (64 x 64)"),
        ("bloodmnist:224", 224, "bloodmnist:224", "BloodMNIST (224 x 224)"),
    ],
)
def test_parse_option_side_is_28_or_the_given_one(
    text: str, side: int, option: str, title: str
) -> None:
    file = parse_option(text)
    assert (file.side, file.option, file.title) == (side, option, title)


@pytest.mark.parametrize("side", ["", "32", "-28", "28.0", "064", " 64", "²⁸", "64:64"])
def test_parse_option_other_side_raises(side: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_option(f"dermamnist:{side}")
    assert "128" in str(caught.value.expected)


@pytest.mark.parametrize(
    "text", ["dermanist", "dermamist:64", "DermaMNIST", "", ":64", "synthetik"]
)
def test_parse_option_unknown_name_raises_with_similar_ones(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_option(text, other_names=("synthetic",))
    expected = "synthetic" if text == "synthetik" else "dermamnist"
    assert expected in str(caught.value.remedy)


def test_find_file_of_other_data_is_none() -> None:
    assert find_file(None) is None
    assert find_file("0" * 32) is None


def test_get_bloodmnist_has_the_classes_of_the_published_study() -> None:
    assert get_bloodmnist().data_set.class_names == CLASS_NAMES
    assert get_bloodmnist().option == "bloodmnist"


def test_load_sets_imports_neither_medmnist_nor_numpy() -> None:
    code = (
        "import sys; from bloodnets.medmnist_sets import load_sets; load_sets()\n"
        "print(sorted({'medmnist', 'numpy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]
