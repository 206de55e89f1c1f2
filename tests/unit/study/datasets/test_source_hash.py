"""The digest of image files: their names, groups and contents, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from study.datasets.class_folders import ClassImage
from study.datasets.source_hash import hash_sources

Images = list[ClassImage]


@pytest.fixture
def images(tmp_path: Path) -> Images:
    paths = [tmp_path / name for name in ("1.png", "2.png")]
    for path in paths:
        path.write_text(path.name)
    return [ClassImage(f"a/{path.name}", path, 0, None, "p") for path in paths]


def digest(images: Images) -> str:
    return hash_sources(images, Console(quiet=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda images: [images[0], images[1]._replace(name="b/2.png")],
        lambda images: [images[0], images[1]._replace(group=None)],
        lambda images: [images[0], images[1]._replace(path=images[0].path)],
        lambda images: [images[0], images[1]._replace(path=Path("missing.png"))],
        lambda images: images[:1],
    ],
)
def test_hash_sources_other_images_differ(
    images: Images, change: Callable[[Images], Images]
) -> None:
    assert digest(change(images)) != digest(images)


def test_hash_sources_does_not_depend_on_place_and_time(images: Images, tmp_path: Path) -> None:
    before = digest(images)
    os.utime(images[0].path, (0, 0))
    moved = tmp_path / "moved.png"
    images[1].path.rename(moved)
    assert digest([images[0], images[1]._replace(path=moved)]) == before
