"""Paths and addresses of studies."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from bloodnets.storage.location import RemotePath, parse_location, to_absolute_str


@pytest.mark.parametrize("text", ["s3://bucket/x?region=y", "s3://bucket/x#y", "s3://"])
def test_parse_location_not_a_bucket_and_a_folder_raises(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_location(text)
    assert (caught.value.path, caught.value.value) == (text, text)
    assert "s3://bucket/studies" in str(caught.value.expected)


def test_parse_location_no_address_raises() -> None:
    with pytest.raises(DataError) as caught:
        parse_location("s3://[x/y")
    assert caught.value.path == "s3://[x/y"


def test_parse_location_with_a_password_raises_without_showing_it() -> None:
    with pytest.raises(DataError) as caught:
        parse_location("s3://key:secret@bucket/x")
    assert caught.value.remedy is not None
    assert "secret" not in "".join(map(str, vars(caught.value).values()))


def test_parse_location_path_or_address_returns_its_type() -> None:
    assert parse_location("results/a") == Path("results/a")
    found = parse_location("s3://bucket/studies/")
    assert found == RemotePath("s3://bucket/studies")
    assert (str(found / "a"), (found / "a").name, (found / "a").parent) == (
        "s3://bucket/studies/a",
        "a",
        found,
    )


def test_to_absolute_str_relative_path_is_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_absolute_str(Path("results")) == f"{tmp_path}/results"
    assert to_absolute_str(RemotePath("s3://bucket/a")) == "s3://bucket/a"
