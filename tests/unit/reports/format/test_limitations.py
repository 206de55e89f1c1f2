"""Limitations of the data: facts of BloodMNIST only for data that are BloodMNIST."""

from dataclasses import replace

import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import parse_option
from reports.format.limitations import describe_fold_variance, list_limitations
from reports.ledger.data_record import DataRecord, GroupsRecord
from reports.ledger.states import DataKind
from reports.sections.study import limitations
from tests.helpers.grid_builder import ASYMMETRIC, make_grid_record, to_medmnist


def make_data(kind: DataKind) -> DataRecord:
    return make_grid_record("s", kind, CLASS_NAMES, ASYMMETRIC, []).data


def test_list_limitations_of_the_official_file_name_split_source_and_intervals() -> None:
    split, source, intervals = list_limitations(make_data(DataKind.OFFICIAL), None)
    assert "patients" in split
    assert all(name in source for name in ("Barcelona", "Giemsa", "CellaVision"))
    assert "If " not in source
    assert "do not cover new patients" in intervals


def make_medmnist(option: str) -> DataRecord:
    return to_medmnist(make_data(DataKind.FILE), parse_option(option))


def test_list_limitations_of_larger_bloodmnist_are_those_of_the_official_file() -> None:
    official = list_limitations(make_data(DataKind.OFFICIAL), None)
    assert list_limitations(make_medmnist("bloodmnist:128"), None) == official


@pytest.mark.parametrize("option", ["dermamnist:64", "retinamnist"])
def test_list_limitations_of_another_data_set_name_it_and_not_bloodmnist(option: str) -> None:
    text = " ".join(list_limitations(make_medmnist(option), None))
    assert parse_option(option).data_set.title in text
    assert not any(name in text for name in ("Blood", "Barcelona", "Acevedo"))
    assert ("grade" in text) == (option == "retinamnist")


def test_list_limitations_of_another_file_state_its_source_as_a_possibility() -> None:
    data = make_data(DataKind.FILE)
    split, source, _ = list_limitations(data, None)
    assert data.name in split
    assert "BloodMNIST" not in split
    assert "If it was made from BloodMNIST" in source


@pytest.mark.parametrize("across_splits", [0, 2])
def test_list_limitations_of_groups_say_whether_they_are_kept_together(across_splits: int) -> None:
    groups = GroupsRecord(count=17, across_splits=across_splits, test_images=across_splits)
    split, _, intervals = list_limitations(replace(make_data(DataKind.FILE), groups=groups), None)
    assert "17 groups" in split
    assert ("each in one split" in split) == (across_splits == 0)
    assert ("too high for new patients" in split) == (across_splits > 0)
    assert "know" not in split
    assert "do not cover new patients" in intervals


def test_list_limitations_of_other_classes_do_not_mention_bloodmnist() -> None:
    names = tuple(f"class {i}" for i in range(8))
    data = make_grid_record("s", DataKind.FILE, names, ASYMMETRIC, []).data
    text = " ".join(list_limitations(data, None))
    assert not any(name in text for name in ("BloodMNIST", "Barcelona", "Acevedo"))


def test_list_limitations_of_synthetic_cells_are_none() -> None:
    data = make_data(DataKind.SYNTHETIC)
    assert list_limitations(data, None) == ()
    assert limitations.make_section(data, folds=None) is None


def test_limitations_section_is_one_paragraph() -> None:
    data = make_data(DataKind.OFFICIAL)
    section = limitations.make_section(data, folds=None)
    assert section is not None
    assert section.paragraphs == (" ".join(list_limitations(data, None)),)


@pytest.mark.parametrize(("folds", "share"), [(3, "50%"), (5, "75%"), (10, "89%")])
def test_describe_fold_variance_has_the_share_of_common_training_images(
    folds: int, share: str
) -> None:
    included, overlap = describe_fold_variance(folds)
    assert "fold" in included
    assert share in overlap


def test_describe_fold_variance_of_two_folds_has_no_overlap() -> None:
    assert len(describe_fold_variance(2)) == 1


def test_list_limitations_of_a_cross_validation_name_the_variance_of_the_folds() -> None:
    *others, intervals = list_limitations(make_data(DataKind.OFFICIAL), 5)
    *expected, without_folds = list_limitations(make_data(DataKind.OFFICIAL), None)
    assert others == expected
    assert all(sentence in intervals for sentence in describe_fold_variance(5))
    assert not any(sentence in without_folds for sentence in describe_fold_variance(5))
