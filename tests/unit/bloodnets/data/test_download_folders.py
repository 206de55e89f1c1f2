"""A failed download leaves no folder behind that was not there before."""

from pathlib import Path

import pooch
import pytest

from bloodnets.data.download import download_file
from bloodnets.errors import ResourceError


@pytest.mark.parametrize("existing", ["", "new"])
def test_download_file_failure_removes_only_new_folders(
    tmp_path: Path, existing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    (tmp_path / existing).mkdir(exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    path = tmp_path / "new" / "folder" / "cells.npz"
    with pytest.raises(ResourceError):
        download_file(path, url="unknown://nowhere", md5="0" * 32, title="cells")
    assert sorted(tmp_path.rglob("*")) == before
