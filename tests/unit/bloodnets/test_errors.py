"""Errors: their fields, and the line that a user reads."""

import pickle
from pathlib import Path

import pytest

from bloodnets.errors import (
    MAX_NAMES,
    ConflictError,
    DataError,
    ResourceError,
    StudyError,
    suggest_names,
    suggest_or_list_names,
)


def test_str_all_fields_joins_problem_expected_and_remedy() -> None:
    error = DataError.of_value("--width", 7, "multiples of 8", remedy="leave it out")
    assert str(error) == "--width is 7; expected: multiples of 8; leave it out"


def test_of_value_string_is_quoted() -> None:
    assert DataError.of_value("--name", "a b", "no spaces").problem == "--name is 'a b'"


@pytest.mark.parametrize("kind", [StudyError, DataError, ResourceError, ConflictError])
def test_pickle_round_trip_keeps_fields(kind: type[StudyError]) -> None:
    error = kind("it is gone", path=Path("a/b"), value=3, expected="a file", remedy="bring it back")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert copy.path == "a/b"


def test_with_remedy_keeps_type_cause_and_first_remedy() -> None:
    cause = OSError("disk full")
    error = ResourceError("cannot write", path="a", remedy="make room")
    error.__cause__ = cause
    changed = error.with_remedy("resume")
    assert isinstance(changed, ResourceError)
    assert changed.__cause__ is cause
    assert (changed.path, changed.remedy) == ("a", "make room; resume")
    assert error.remedy == "make room"


def test_suggest_names_close_names_closest_first() -> None:
    known = ("cnn-config-2", "cnn-config-1", "resnet")
    assert suggest_names("cnn-confg-1", known) == "did you mean cnn-config-1 or cnn-config-2?"


@pytest.mark.parametrize("name", ["vit", "resnet", ""])
def test_suggest_names_nothing_close_or_known_returns_none(name: str) -> None:
    assert suggest_names(name, ("resnet", "cnn-config-1")) is None


def test_suggest_or_list_names_lists_names_if_none_is_close() -> None:
    assert suggest_or_list_names("cnn", ["cnm", "b"]) == "did you mean cnm?"
    assert suggest_or_list_names("zzz", ["a", "b"]) == "there are: a, b"
    assert suggest_or_list_names("zzz", []) == "there are none"
    names = [f"a{i}" for i in range(MAX_NAMES + 3)]
    remedy = suggest_or_list_names("zzz", names)
    assert names[MAX_NAMES - 1] in remedy
    assert names[MAX_NAMES] not in remedy
    assert remedy.endswith(" 3 more")
