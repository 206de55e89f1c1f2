"""`bloodstudy doctor` in a process of its own, which starts Ray."""

from pathlib import Path

from tests.helpers.command import run_command


def test_doctor_on_this_machine_starts_ray_and_leaves_nothing(
    data_file: Path, tmp_path: Path
) -> None:
    done = run_command("doctor", "--data-file", data_file, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pass  Ray: starts on this machine" in done.stdout
    assert [*tmp_path.iterdir()] == []
