"""Folders of small image files, one subfolder per class."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def make_pixels(number: int, side: int = 8) -> NDArray[np.uint8]:
    """Return random pixels, which differ for each number."""
    return np.random.default_rng(number).integers(256, size=(side, side, 3), dtype=np.uint8)


def write_images(folder: Path, *names: str, side: int = 8) -> None:
    """Write PNG files with different pixels."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        number = int.from_bytes(name.encode())
        Image.fromarray(make_pixels(number, side)).save(path, format="PNG")


def write_classes(folder: Path, n_images_by_class: Mapping[str, int]) -> None:
    """Write images `CLASS/0.png`, `CLASS/1.png` etc."""
    for name, n_images in n_images_by_class.items():
        write_images(folder, *(f"{name}/{index}.png" for index in range(n_images)))
