"""The folder of an export must be new."""

from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from study.inference.export_folder import require_new_folder


def test_require_new_folder_existing_one_raises(tmp_path: Path) -> None:
    require_new_folder(tmp_path / "new")
    (tmp_path / "link").symlink_to("nothing")
    for folder in (tmp_path, tmp_path / "link"):
        with pytest.raises(ConflictError) as caught:
            require_new_folder(folder)
        assert caught.value.path == str(folder)
