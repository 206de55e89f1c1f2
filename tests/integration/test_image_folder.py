"""A folder of images, from `--data FOLDER` to a verified report."""

from pathlib import Path

import pytest

from reports.ledger.data_record import GroupsRecord
from reports.ledger.ledger import Ledger
from tests.helpers.cli_runs import RunHere
from tests.helpers.image_folders import write_classes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, train: RunHere) -> Path:
    """A folder with a study of the images in `cells`, which have groups."""
    folder = tmp_path_factory.mktemp("images")
    write_classes(folder / "cells", {"a": 20, "b": 20})
    rows = [f"{name}/{index}.png,p{index % 10}" for name in "ab" for index in range(20)]
    (folder / "cells/groups.csv").write_text("\n".join(["file,group", *rows]))
    run_grid(train, folder, "s")
    return folder


def run_grid(train: RunHere, folder: Path, name: str) -> None:
    words = ("--data", "cells:16", "--config", "cnn-config-1", "--max-epochs", "1")
    run(train, folder, "grid", *words, "--name", name)


def run(train: RunHere, folder: Path, *words: str) -> str:
    done = train(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_grid_of_a_folder_trains_on_its_images_and_groups(folder: Path) -> None:
    data = Ledger(folder / "results/s").study.data
    assert data.path == str(folder / "results/cells-16.npz")
    assert (data.class_names, data.side) == (("a", "b"), 16)
    assert data.groups == GroupsRecord(count=10, across_splits=0, test_images=0)
    page = (folder / "results/s/report/index.html").read_text()
    assert "10 groups, e.g. patients, each in one split" in page


def test_commands_find_the_data_of_a_folder_that_is_gone(folder: Path, train: RunHere) -> None:
    (folder / "cells").rename(folder / "moved")
    try:
        verified = run(train, folder, "report", "s", "--verify", "--from-weights")
        resumed = run(train, folder, "resume", "s")
    finally:
        (folder / "moved").rename(folder / "cells")
    assert "2 of 2 splits bit for bit" in verified
    assert "Report: results/s/report/index.html" in resumed


def test_grid_of_the_same_folder_uses_the_same_data(folder: Path, train: RunHere) -> None:
    run_grid(train, folder, "again")
    studies = [Ledger(folder / "results" / name).study for name in ("s", "again")]
    assert studies[0].data == studies[1].data
