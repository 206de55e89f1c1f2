"""The data file of a folder: made once, used again, never replaced."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bloodnets.errors import ConflictError, DataError, ResourceError
from study.datasets.preparation import PrepareSettings
from study.datasets.prepare import prepare_data_file
from study.datasets.prepared_folder import (
    make_folder_settings,
    open_prepared_folder,
    prepare_folder,
)
from tests.helpers.image_folders import write_classes, write_images

QUIET = Console(quiet=True)


@pytest.fixture
def settings(tmp_path: Path) -> PrepareSettings:
    write_classes(tmp_path / "cells", {"a": 6, "b": 6})
    return make_folder_settings(tmp_path / "cells", 8, tmp_path / "out/new")


def test_make_folder_settings_have_the_name_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my cells").mkdir()
    monkeypatch.chdir(tmp_path / "my cells")
    for folder in (Path(), tmp_path / "my cells"):
        settings = make_folder_settings(folder, 64, Path("out"))
        assert settings.output == Path("out/my cells-64.npz")
        assert settings.groups_file is None
    Path("groups.csv").touch()
    assert make_folder_settings(Path(), 64, Path("out")).groups_file == Path("groups.csv")


def test_prepare_folder_second_time_uses_the_file(settings: PrepareSettings) -> None:
    first, second = prepare_folder(settings, QUIET), prepare_folder(settings, QUIET)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.path == second.path == settings.output
    assert first.record == second.record


def test_prepare_folder_into_a_subfolder_does_not_change_the_classes(
    settings: PrepareSettings,
) -> None:
    """This is `--data .` with the studies in `./results`."""
    settings = replace(settings, output=settings.folder / "results" / settings.output.name)
    first, second = prepare_folder(settings, QUIET), prepare_folder(settings, QUIET)
    assert first.record == second.record
    assert first.record.class_names == ("a", "b")


def test_prepare_folder_uses_a_file_of_the_command_prepare(settings: PrepareSettings) -> None:
    settings.output.parent.mkdir(parents=True)
    record = prepare_data_file(settings, QUIET)
    assert prepare_folder(settings, QUIET).record == record


@pytest.mark.parametrize(
    "option", [{"seed": 1}, {"channels": 1}, {"crop": 8}, {"side": 16}], ids=str
)
def test_prepare_folder_file_with_other_options_raises(
    settings: PrepareSettings, option: dict[str, int]
) -> None:
    settings.output.parent.mkdir(parents=True)
    (value,) = option.values()
    prepare_data_file(replace(settings, **option), QUIET)  # type: ignore[arg-type]
    with pytest.raises(ConflictError) as caught:
        prepare_folder(settings, QUIET)
    assert (caught.value.path, caught.value.value) == (str(settings.output), value)
    assert caught.value.remedy is not None


def test_prepare_folder_seed_has_no_effect_with_given_splits(
    settings: PrepareSettings, tmp_path: Path
) -> None:
    for split in ("train", "val", "test"):
        write_classes(tmp_path / "splits" / split, {"a": 1, "b": 1})
    settings = replace(settings, folder=tmp_path / "splits")
    prepare_folder(settings, QUIET)
    assert not prepare_folder(replace(settings, seed=1), QUIET).is_new


@pytest.mark.parametrize("image", ["a/new.png", "b/0.png"])
def test_prepare_folder_with_other_images_raises(settings: PrepareSettings, image: str) -> None:
    prepare_folder(settings, QUIET)
    write_images(settings.folder, image, side=9)
    with pytest.raises(ConflictError) as caught:
        prepare_folder(settings, QUIET)
    assert caught.value.path == str(settings.output)


@pytest.mark.parametrize("content", ["", "{}", None])
def test_prepare_folder_file_without_its_record_raises(
    settings: PrepareSettings, content: str | None
) -> None:
    prepare_folder(settings, QUIET)
    record_path = settings.output.with_suffix(".json")
    record_path.unlink()
    if content is not None:
        record_path.write_text(content)
    with pytest.raises(ConflictError) as caught:
        prepare_folder(settings, QUIET)
    assert caught.value.path == str(record_path)


def test_prepare_folder_unusable_folder_creates_no_folder(
    settings: PrepareSettings, tmp_path: Path
) -> None:
    with pytest.raises(DataError):
        prepare_folder(replace(settings, folder=tmp_path / "cells/a"), QUIET)
    assert not (tmp_path / "out").exists()


def test_prepare_folder_file_in_place_of_the_folder_raises(
    settings: PrepareSettings, tmp_path: Path
) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(ResourceError):
        prepare_folder(settings, QUIET)


def test_open_prepared_folder_keeps_a_new_file_only_if_requested(
    settings: PrepareSettings,
) -> None:
    with open_prepared_folder(settings, QUIET, keep=False) as prepared:
        assert prepared.path.name == settings.output.name
        assert prepared.path.is_file()
    assert not prepared.path.exists()
    assert not settings.output.parent.exists()
    with open_prepared_folder(settings, QUIET, keep=True) as kept:
        assert kept.record == prepared.record
    with open_prepared_folder(settings, QUIET, keep=False) as again:
        assert (again.path, again.is_new) == (settings.output, False)
    assert settings.output.is_file()
