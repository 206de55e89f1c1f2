"""Images to classify, from files, folders and archives."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays
from study.inference.input_images import read_input_images


def save(folder: Path, images: NDArray[np.uint8]) -> list[Path]:
    paths = [folder / f"{index:03}.png" for index in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def test_read_input_images_folders_and_archives_give_each_image(tmp_path: Path) -> None:
    """Folders in folders too, without hidden files; of an archive the split that is asked for."""
    cells = generate_synthetic_arrays(scale=0.02)
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
    assert line.startswith(f"{tmp_path / 'empty'} ")
    list(read_input_images(paths[2:], split="test", crop=None, on_skip=left_out.append))
    assert left_out[-1].startswith(f"{tmp_path / 'c.npz'} ")
    assert "test_images" in left_out[-1]
