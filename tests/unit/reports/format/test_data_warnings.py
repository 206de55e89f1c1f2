"""Warnings about data: every absent class and every harmful duplicate is named."""

from dataclasses import replace

import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import parse_option
from reports.format.data_warnings import (
    describe_duplicates,
    describe_groups,
    list_data_warnings,
    list_score_warnings,
    list_small_classes,
)
from reports.ledger.data_record import DataRecord, DuplicatesRecord, GroupsRecord
from reports.ledger.states import DataKind
from tests.helpers.grid_builder import ASYMMETRIC, make_grid_record, to_medmnist

DATA = make_grid_record("s", DataKind.FILE, CLASS_NAMES, ASYMMETRIC, []).data


def make_data(*absent_classes: int, split: str = "test") -> DataRecord:
    """Return data whose split lacks some classes."""
    counts = tuple(0 if index in absent_classes else 5 for index in range(8))
    return replace(DATA, class_counts={**DATA.class_counts, split: counts})


def make_duplicates(
    *, across_splits: int = 0, contradictory: int = 0, test_images: int = 0
) -> DuplicatesRecord:
    return DuplicatesRecord(
        groups=17,
        across_splits=across_splits,
        contradictory=contradictory,
        test_images=test_images,
    )


def test_list_warnings_of_whole_data_are_empty() -> None:
    for duplicates in (None, make_duplicates()):  # duplicates of one split and label do no harm
        data = replace(DATA, duplicates=duplicates)
        assert list_data_warnings(data) == list_score_warnings(data) == []


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_list_warnings_of_an_absent_class_name_split_and_class(split: str) -> None:
    data = make_data(3, split=split)
    assert data.absent_classes == {split: (3,)}
    (text,) = list_data_warnings(data)
    assert text.startswith(f"{split} ")
    assert "3 immature granulocytes" in text
    assert ("87.5%" in text) == (split != "train")
    assert list_score_warnings(data) == [text]


def test_list_warnings_of_two_absent_classes_give_the_maximum_of_macro_f1() -> None:
    (text,) = list_data_warnings(make_data(0, 7))
    assert "0 basophil" in text
    assert "7 platelet" in text
    assert "75.0%" in text


@pytest.mark.parametrize(
    ("duplicates", "n_warnings", "n_score_warnings"),
    [
        (make_duplicates(across_splits=9, contradictory=1, test_images=4), 1, 1),
        (make_duplicates(contradictory=1), 1, 0),
        (make_duplicates(across_splits=9), 1, 0),
    ],
)
def test_list_score_warnings_have_only_duplicates_that_touch_test(
    duplicates: DuplicatesRecord, n_warnings: int, n_score_warnings: int
) -> None:
    data = replace(DATA, duplicates=duplicates)
    assert len(list_data_warnings(data)) == n_warnings
    assert len(list_score_warnings(data)) == n_score_warnings
    for text in list_data_warnings(data):
        assert "--drop-duplicates" in text


@pytest.mark.parametrize(
    ("groups", "n_warnings", "n_score_warnings"),
    [
        (GroupsRecord(count=5, across_splits=2, test_images=3), 1, 1),
        (GroupsRecord(count=5, across_splits=1, test_images=0), 1, 0),
        (GroupsRecord(count=5, across_splits=0, test_images=0), 0, 0),
    ],
)
def test_list_warnings_of_divided_groups_count_them(
    groups: GroupsRecord, n_warnings: int, n_score_warnings: int
) -> None:
    data = replace(DATA, groups=groups)
    warnings, score_warnings = list_data_warnings(data), list_score_warnings(data)
    assert (len(warnings), len(score_warnings)) == (n_warnings, n_score_warnings)
    assert all(describe_groups(data) in text for text in warnings)
    assert all("3 of " in text for text in score_warnings)


def test_list_data_warnings_of_grades_say_that_their_order_is_ignored() -> None:
    (text,) = list_data_warnings(to_medmnist(DATA, parse_option("retinamnist")))
    assert "RetinaMNIST" in text
    assert "order" in text
    assert list_data_warnings(to_medmnist(DATA, parse_option("dermamnist"))) == []


def test_list_score_warnings_count_the_images_of_test() -> None:
    data = replace(DATA, duplicates=make_duplicates(across_splits=9, test_images=4))
    (text,) = list_score_warnings(data)
    assert f"4 of {sum(DATA.class_counts['test']):,} " in text


def test_describe_duplicates_states_groups_and_dropped_images() -> None:
    counted = replace(DATA, duplicates=make_duplicates(across_splits=9, contradictory=1))
    assert describe_duplicates(counted).startswith("17 groups, 9 ")
    dropped = describe_duplicates(replace(counted, dropped={"train": 12, "val": 34}))
    assert "12 from train" in dropped
    assert "34 from val" in dropped
    assert describe_duplicates(DATA) == "not counted"


def test_list_small_classes_names_those_with_some_but_fewer_than_30_test_images() -> None:
    counts = (30, 29, 0, 100, 100, 10, 100, 100)
    (text,) = list_small_classes(replace(DATA, class_counts={**DATA.class_counts, "test": counts}))
    assert "(29)" in text
    assert "(10)" in text
    assert "basophil" not in text
    assert "immature granulocytes" not in text
    large = replace(DATA, class_counts={**DATA.class_counts, "test": (30,) * 8})
    assert list_small_classes(large) == []
