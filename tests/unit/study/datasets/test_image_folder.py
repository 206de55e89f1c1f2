"""The image files of a folder, and numbers of everything else in it."""

from pathlib import Path

from study.datasets.image_folder import is_system_name, list_image_folder


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_list_image_folder_hidden_and_system_files_are_left_out(tmp_path: Path) -> None:
    make_files(
        tmp_path,
        "b.png",
        "a/c.JPG",
        "@eaDir/b.png/SYNOPHOTO_THUMB_M.png",
        "a/@eadir/c.jpg",
        ".thumbnails/b.png",
        "__MACOSX/b.png",
        "$RECYCLE.BIN/b.png",
        "._b.png",
        ".DS_Store",
        "a/Thumbs.db",
    )
    listing = list_image_folder(tmp_path)
    assert listing.images == [tmp_path / "a/c.JPG", tmp_path / "b.png"]
    assert listing.left_out == {
        "system folder": 4, "hidden folder": 1, "hidden file": 2, "system file": 1
    }  # fmt: skip
    assert not listing.unread_images
    assert not listing.errors


def test_list_image_folder_other_files_are_counted_by_kind(tmp_path: Path) -> None:
    make_files(
        tmp_path, "a.tga", "b.TGA", "c.heic", "d.txt", "README", "e.png~", "f.longsuffix", "g."
    )
    listing = list_image_folder(tmp_path)
    assert not listing.images
    assert listing.unread_images == [tmp_path / name for name in ("a.tga", "b.TGA", "c.heic")]
    assert listing.left_out == {".txt file": 1, ".png~ file": 1, "other file": 3}


def test_list_image_folder_linked_folder_is_counted(tmp_path: Path) -> None:
    """It might contain the folder itself; a linked file is read."""
    make_files(tmp_path, "a/b.png")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "a/c.png").symlink_to(tmp_path / "a/b.png")
    listing = list_image_folder(tmp_path)
    assert listing.images == [tmp_path / "a/b.png", tmp_path / "a/c.png"]
    assert listing.left_out == {"linked folder": 1}


def test_list_image_folder_folders_with_results_are_left_out(tmp_path: Path) -> None:
    make_files(tmp_path, "a/1.png", "results/s/study.json", "results/s/report/2.png")
    make_files(tmp_path, "a/s/study.json", "a/s/3.png")
    make_files(tmp_path, "out/cells-28.npz", "out/cells-28.json", "out/x/4.png")
    listing = list_image_folder(tmp_path)
    assert listing.images == [tmp_path / "a/1.png"]
    assert listing.left_out == {"results folder": 3}


def test_is_system_name_ignores_case() -> None:
    assert is_system_name("@EADIR")
    assert not is_system_name("@study")
