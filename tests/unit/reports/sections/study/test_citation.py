"""How to cite and to reproduce a study."""

from dataclasses import replace

import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import parse_option
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.sections.study import citation
from tests.helpers import grid_builder
from tests.helpers.bibtex import parse_bibtex
from tests.helpers.grid_builder import ASYMMETRIC


def make_study(kind: DataKind, *arguments: str) -> StudyRecord:
    record = grid_builder.make_grid_record("mine", kind, CLASS_NAMES, ASYMMETRIC, [])
    return replace(record, command=("bloodstudy", "grid", *arguments))


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (DataKind.OFFICIAL, ["bloodstudy", "yang2023", "acevedo2020"]),
        (DataKind.FILE, ["bloodstudy", "yang2023", "acevedo2020"]),
        (DataKind.SYNTHETIC, ["bloodstudy"]),
    ],
)
def test_make_code_blocks_cite_the_software_and_real_data(kind: DataKind, keys: list[str]) -> None:
    study = make_study(kind)
    software = replace(study.software, versions={"bloodstudy": "1.2.3"}, commit="abc")
    _, block = citation.make_code_blocks(replace(study, software=software))
    entries = parse_bibtex(f"{block.text}\n")
    assert [*entries] == keys
    assert {"1.2.3", "abc"} <= {*entries["bloodstudy"]["note"].replace(",", "").split()}


def make_medmnist_study(option: str, *arguments: str) -> StudyRecord:
    study = make_study(DataKind.FILE, *arguments)
    return replace(study, data=grid_builder.to_medmnist(study.data, parse_option(option)))


@pytest.mark.parametrize(
    ("option", "keys", "license_name"),
    [
        ("dermamnist:64", ["bloodstudy", "yang2023"], "CC BY-NC 4.0"),
        ("octmnist", ["bloodstudy", "yang2023"], "CC BY 4.0"),
        ("bloodmnist:64", ["bloodstudy", "yang2023", "acevedo2020"], "CC BY 4.0"),
    ],
)
def test_make_code_blocks_of_medmnist_cite_the_source_of_its_data_set(
    option: str, keys: list[str], license_name: str
) -> None:
    study = make_medmnist_study(option)
    _, block = citation.make_code_blocks(study)
    assert [*parse_bibtex(f"{block.text}\n")] == keys
    facts = dict(citation.list_license_facts(study.data))
    assert facts["License of the data"] == license_name


@pytest.mark.parametrize(
    ("arguments", "added"),
    [
        (["--data", "dermamnist:64"], ""),
        (["--data-file", "x.npz"], ""),
        (["--seeds", "3"], " --data dermamnist:64"),
    ],
)
def test_complete_command_of_medmnist_names_the_data_set(arguments: list[str], added: str) -> None:
    text = citation.complete_command(make_medmnist_study("dermamnist:64", *arguments))
    assert text == " ".join(["bloodstudy grid", *arguments]) + added


def test_make_code_blocks_without_version_and_commit_have_no_note() -> None:
    study = make_study(DataKind.SYNTHETIC)
    software = replace(study.software, versions={}, commit=None)
    _, block = citation.make_code_blocks(replace(study, software=software))
    assert "note" not in parse_bibtex(f"{block.text}\n")["bloodstudy"]


@pytest.mark.parametrize(
    ("kind", "arguments", "added"),
    [
        (DataKind.OFFICIAL, ["--name", "my study"], ""),
        (DataKind.SYNTHETIC, ["--data", "synthetic"], ""),
        (DataKind.SYNTHETIC, ["--data=synthetic"], ""),
        (DataKind.SYNTHETIC, [], " --data synthetic"),
        (DataKind.FILE, ["--data-file", "a b.npz"], ""),
        (DataKind.FILE, ["--data-root=x"], ""),
        (DataKind.FILE, ["--seeds", "3"], " --data-file my_cells.npz"),
    ],
)
def test_complete_command_has_the_options_of_the_data(
    kind: DataKind, arguments: list[str], added: str
) -> None:
    text = citation.complete_command(make_study(kind, *arguments))
    quoted = [f"'{text}'" if " " in text else text for text in arguments]
    assert text == " ".join(["bloodstudy grid", *quoted]) + added


def test_complete_command_removes_the_same_duplicates() -> None:
    study = make_study(DataKind.OFFICIAL)
    study = replace(study, data=replace(study.data, dropped={"train": 1, "val": 0}))
    assert citation.complete_command(study) == "bloodstudy grid --drop-duplicates"


def test_list_license_facts_know_the_license_of_the_official_file_only() -> None:
    texts = {
        kind: dict(citation.list_license_facts(make_study(kind).data))["License of the data"]
        for kind in (DataKind.OFFICIAL, DataKind.FILE, DataKind.SYNTHETIC)
    }
    assert texts[DataKind.OFFICIAL] == "CC BY 4.0"
    assert texts[DataKind.FILE].startswith("unknown")
    assert "CC" not in texts[DataKind.SYNTHETIC]
