"""Data sets of MedMNIST with one label per two-dimensional image, and their files.

The facts are in `medmnist_sets.json`. A test checks that they match the package `medmnist`, which
is not imported here because it imports PyTorch and torchvision, which takes seconds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from bloodnets.errors import DataError, suggest_or_list_names

DEFAULT_SIDE = 28
"""Height and width of the images of a file whose name does not state them, in pixels."""

FILE_URL = "https://zenodo.org/records/10519652/files/{file_name}?download=1"
"""URL of a file, with a placeholder for its name."""

Task = Literal["multi-class", "binary-class", "ordinal-regression"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MedMnistSet:
    """A data set of MedMNIST, which has the same images and splits at each side.

    Attributes:
        name: Name of the set in the package `medmnist`, e.g. `dermamnist`.
        title: Name of the set in text, e.g. `DermaMNIST`.
        task: Task; that of grades is `ordinal-regression`.
        channels: Color channels: 1 (gray) or 3 (red, green, blue).
        class_names: Names of the classes, in the order of the labels.
        n_images: Numbers of images by split (`train`, `val`, `test`).
        license: License of the data, e.g. `CC BY 4.0`.
        md5: MD5 of each file, hexadecimal, by the side of its images in pixels.
    """

    name: str
    title: str
    task: Task
    channels: int
    class_names: tuple[str, ...]
    n_images: Mapping[str, int]
    license: str
    md5: Mapping[int, str]

    @property
    def is_ordinal(self) -> bool:
        """Whether the labels are grades with an order."""
        return self.task == "ordinal-regression"

    @classmethod
    def from_json(cls, name: str, facts: Mapping[str, Any]) -> Self:
        """Return the set with the facts in `medmnist_sets.json`."""
        md5 = {int(side): md5 for side, md5 in facts["md5"].items()}
        return cls(**{**facts, "name": name, "class_names": (*facts["class_names"],), "md5": md5})


class MedMnistFile(NamedTuple):
    """A data set of MedMNIST at one side.

    Attributes:
        data_set: Data set.
        side: Height and width of the images in pixels: 28, 64, 128 or 224.
    """

    data_set: MedMnistSet
    side: int

    @property
    def option(self) -> str:
        """Value of `--data`, e.g. `dermamnist:64`; without the side if it is 28."""
        name = self.data_set.name
        return name if self.side == DEFAULT_SIDE else f"{name}:{self.side}"

    @property
    def title(self) -> str:
        """Name in text, e.g. `DermaMNIST (64 x 64)`; without the side if it is 28."""
        title = self.data_set.title
        return title if self.side == DEFAULT_SIDE else f"{title} ({self.side} x {self.side})"

    @property
    def file_name(self) -> str:
        """Name of the file, as the package `medmnist` gives it, e.g. `dermamnist_64.npz`."""
        return f"{self.option.replace(':', '_')}.npz"

    @property
    def url(self) -> str:
        """URL of the file."""
        return FILE_URL.format(file_name=self.file_name)

    @property
    def md5(self) -> str:
        """MD5 of the file, hexadecimal."""
        return self.data_set.md5[self.side]

    @property
    def largest_array_bytes(self) -> int:
        """Size of the images of the largest split in memory, in bytes."""
        return max(self.data_set.n_images.values()) * self.side**2 * self.data_set.channels


@cache
def load_sets() -> Mapping[str, MedMnistSet]:
    """Return the data sets by name; the file is read only once."""
    sets = _read_facts()["sets"]
    return {name: MedMnistSet.from_json(name, facts) for name, facts in sets.items()}


def get_bloodmnist() -> MedMnistFile:
    """Return BloodMNIST with images of 28 x 28 pixels, the data of the published study."""
    return MedMnistFile(load_sets()["bloodmnist"], DEFAULT_SIDE)


def find_file(md5: str | None) -> MedMnistFile | None:
    """Return the file of MedMNIST with an MD5; None if there is none.

    Args:
        md5: MD5 of a file's bytes, hexadecimal; None for data without a file.
    """
    for data_set in load_sets().values():
        for side, known_md5 in data_set.md5.items():
            if md5 == known_md5:
                return MedMnistFile(data_set, side)
    return None


def is_set_name(name: str) -> bool:
    """Return whether MedMNIST has a data set of a name, also if its images are not supported."""
    facts = _read_facts()
    return name in facts["sets"] or name in facts["refused"]


def parse_option(text: str, *, other_names: tuple[str, ...] = ()) -> MedMnistFile:
    """Return the file that a value of `--data` names.

    Args:
        text: Name of a data set of MedMNIST, with or without a side, e.g. `dermamnist:64`.
        other_names: Further accepted values, for the remedy.

    Raises:
        DataError: There is no such set or side, or its images or labels are not supported.
    """
    name, colon, side_text = text.partition(":")
    sets, refused = load_sets(), _read_facts()["refused"]
    if name in refused:
        raise DataError(
            f"--data is {text!r}, which has {refused[name]}",
            value=text,
            expected="one label per image of two dimensions",
        )
    if name not in sets:
        raise DataError.of_value(
            "--data",
            text,
            "the name of a data set, or a folder of images",
            remedy=suggest_or_list_names(name if colon else text, [*other_names, *sets]),
        )
    sides = {str(side): side for side in sets[name].md5}
    if colon and side_text not in sides:
        *first, last = sides
        raise DataError.of_value("--data", text, f"a side of {', '.join(first)} or {last} pixels")
    return MedMnistFile(sets[name], sides.get(side_text, DEFAULT_SIDE))


@cache
def _read_facts() -> Mapping[str, Any]:
    content = Path(__file__).with_name("medmnist_sets.json").read_bytes()
    facts: Mapping[str, Any] = json.loads(content)
    return facts
