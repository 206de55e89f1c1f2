"""What a study's model says of images that are not the study's."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bloodnets.constants import IMAGE_SIDE
from bloodnets.data.image_files import SUFFIXES, read_photograph
from bloodnets.data.medmnist import load_images
from bloodnets.errors import DataError
from bloodnets.training.loop import EVALUATION_BATCH, probabilities
from reports.ledger.records import ColourRecord
from study.datasets.color_stats import unlike
from study.inference.model_selection import Chosen

BATCH = EVALUATION_BATCH["cpu"]


class Picture(NamedTuple):
    """An image as the network sees it.

    Attributes:
        name: of its file; of one of an npz file with split and place: `cells.npz:test/17`.
        pixels: uint8, shape (28, 28, 3).
        note: what a reader should know of how it was made; None mostly.
    """

    name: str
    pixels: NDArray[np.uint8]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the model says of an image.

    Attributes:
        name: as in `Picture`.
        probabilities: of the eight classes, float32, shape (8,).
        colours: in what they are unlike those of 99.9 % of the training images, in words; None if
            they are not, or if the study did not keep what they were.
        note: as in `Picture`.
    """

    name: str
    probabilities: NDArray[np.float32]
    colours: str | None
    note: str | None

    @property
    def ranked(self) -> list[int]:
        """The classes, the most probable first."""
        return [int(each) for each in np.argsort(-self.probabilities, kind="stable")]


def predict(
    chosen: Chosen, known: ColourRecord | None, pictures: Iterable[Picture]
) -> Iterator[Prediction]:
    """Have a model look at pictures, in batches.

    Args:
        chosen: the model.
        known: the colours of what it was trained on; None if the study did not keep them.
        pictures: any number; no more than a batch is held at once.
    """
    rest = iter(pictures)
    while batch := list(islice(rest, BATCH)):
        # Always as many as where a trial is evaluated: with few images PyTorch sums in another
        # order, and the last digits would not be those that the study recorded.
        images = np.zeros((BATCH, IMAGE_SIDE, IMAGE_SIDE, 3), np.uint8)
        images[: len(batch)] = [picture.pixels for picture in batch]
        found = probabilities(chosen.model, torch.from_numpy(images), chosen.config.loss)
        own = images[: len(batch)]
        colours = unlike(known, own) if known else [None] * len(batch)
        for picture, row, words in zip(batch, found, colours, strict=False):
            yield Prediction(name=picture.name, probabilities=row, colours=words, note=picture.note)


def pictures(
    paths: Sequence[Path], *, split: str, crop: int | None, left_out: Callable[[str], None]
) -> Iterator[Picture]:
    """Read images, one after the other.

    Args:
        paths: of image files; of folders, of which the image files are taken, also those in
            folders within; and of files in the MedMNIST format (`.npz`).
        split: that is taken of the last.
        crop: as in `read_photograph`.
        left_out: is told what cannot be used, and why.
    """
    for path in paths:
        if path.suffix.lower() == ".npz":
            yield from _of_archive(path, split, left_out)
            continue
        for file in _files(path, left_out) if path.is_dir() else [path]:
            try:
                photograph = read_photograph(file, crop)
            except DataError as error:
                left_out(str(error))
                continue
            side = photograph.side
            note = f"enlarged from {side} x {side} pixels" if side < IMAGE_SIDE else None
            yield Picture(str(file), photograph.pixels, note)


def _of_archive(path: Path, split: str, left_out: Callable[[str], None]) -> Iterator[Picture]:
    try:
        images = load_images(path, split)
    except DataError as error:
        left_out(str(error))
        return
    for place, pixels in enumerate(images):
        yield Picture(f"{path}:{split}/{place}", pixels)


def _files(folder: Path, left_out: Callable[[str], None]) -> list[Path]:
    """The image files of a folder and of those within it, by their names; not the hidden ones."""

    def unreadable(error: OSError) -> None:
        left_out(f"{error.filename} cannot be read: {error.strerror}")

    found = [
        Path(place, name)
        for place, _, names in os.walk(folder, onerror=unreadable)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    ]
    if not found:
        left_out(f"{folder} holds no image file: none ends in {', '.join(sorted(SUFFIXES))}")
    return sorted(found)
