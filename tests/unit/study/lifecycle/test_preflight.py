"""Folders that a study could not use."""

from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from study.lifecycle.preflight import check_location


def test_check_location_file_in_the_way_names_it_and_what_is_expected(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ResourceError) as caught:
        check_location(file, resume=False)
    assert caught.value.path == str(file)
    assert caught.value.expected is not None


@pytest.mark.parametrize("resume", [True, False])
def test_check_location_missing_or_present_study_names_a_remedy(
    tmp_path: Path, *, resume: bool
) -> None:
    folder = tmp_path / "missing" if resume else tmp_path
    with pytest.raises(ConflictError) as caught:
        check_location(folder, resume=resume)
    assert caught.value.path == str(folder)
    assert caught.value.remedy is not None
    assert "--resume" in caught.value.remedy


def test_check_location_working_directory_of_a_job_names_storage(tmp_path: Path) -> None:
    folder = tmp_path / "working_dir_files/_ray_pkg_1/results/s"
    folder.parent.mkdir(parents=True)
    with pytest.raises(ResourceError) as caught:
        check_location(folder, resume=False)
    assert caught.value.path == str(folder)
    assert "--storage" in str(caught.value.remedy)
