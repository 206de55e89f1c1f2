"""Images to classify, from files, folders and archives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import DataError
from study.inference.input_images import InputImage, list_explained_images, read_input_images


def save(folder: Path, images: NDArray[np.uint8]) -> list[Path]:
    paths = [folder / f"{index:03}.png" for index in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


@dataclass
class Reading:
    """Images that were read, and messages about the other files."""

    names: list[str]
    images: list[InputImage]
    skipped: list[str]
    left_out: list[str]


def read(folder: Path, *names: str, split: str = "test") -> Reading:
    skipped: list[str] = []
    left_out: list[str] = []
    paths = [folder / name for name in names]
    images = list(
        read_input_images(
            paths,
            BLOODMNIST_SHAPE,
            split=split,
            crop=None,
            on_skip=skipped.append,
            on_leave_out=left_out.append,
        )
    )
    image_names = [each.name.removeprefix(f"{folder}/") for each in images]
    return Reading(image_names, images, skipped, left_out)


def test_read_input_images_folders_and_archives_give_each_image(tmp_path: Path) -> None:
    """Folders in folders too, without hidden files; of an archive the split that is asked for."""
    cells = generate_synthetic_arrays(scale=0.02)
    (tmp_path / "a/b").mkdir(parents=True)
    save(tmp_path / "a/b", cells["val_images"][:2])
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "c.npz", val_images=cells["val_images"][:3])
    found = read(tmp_path, "a", "empty", "c.npz", split="val")
    assert found.names == [
        "a/b/000.png", "a/b/001.png", "c.npz:val/0", "c.npz:val/1", "c.npz:val/2"
    ]  # fmt: skip
    assert np.array_equal(found.images[1].pixels, found.images[3].pixels)
    (line,) = found.skipped
    assert line.startswith(f"{tmp_path / 'empty'} ")
    assert not found.left_out
    (line,) = read(tmp_path, "c.npz", split="test").skipped
    assert line.startswith(f"{tmp_path / 'c.npz'} ")
    assert "test_images" in line


def test_read_input_images_other_files_are_left_out_or_skipped(tmp_path: Path) -> None:
    save(tmp_path, np.zeros((1, 28, 28, 3), np.uint8))
    (tmp_path / "notes.txt").touch()
    plain = read(tmp_path, ".")
    assert (len(plain.images), len(plain.skipped), len(plain.left_out)) == (1, 0, 1)
    (tmp_path / "cell.tga").touch()
    other = read(tmp_path, ".")
    assert (len(other.images), len(other.skipped), len(other.left_out)) == (1, 1, 1)
    assert "1 .tga file" in other.skipped[0]


def test_read_input_images_named_paths_are_read_unless_created_by_a_system(tmp_path: Path) -> None:
    """A shell gives `@eaDir` for `photographs/*`; a name that is too long is refused."""
    for name in (".hidden", "@eaDir"):
        (tmp_path / name).mkdir()
        save(tmp_path / name, np.zeros((1, 28, 28, 3), np.uint8))
    found = read(tmp_path, ".hidden", "@eaDir", "a" * 300)
    assert found.names == [".hidden/000.png"]
    assert (len(found.skipped), len(found.left_out)) == (1, 1)


def test_read_input_images_unused_profile_and_small_size_are_noted(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png", icc_profile=b"profile")
    Image.new("RGB", (28, 28)).save(tmp_path / "b.png")
    first, second = read(tmp_path, "a.png", "b.png").images
    assert first.note is not None
    assert "20 x 20" in first.note
    assert "profile" in first.note
    assert second.note is None


def test_list_explained_images_accepts_100_and_refuses_more() -> None:
    image = InputImage("x", np.zeros((28, 28, 3), np.uint8))
    assert len(list_explained_images([image] * 100)) == 100
    with pytest.raises(DataError):
        list_explained_images([image] * 101)
