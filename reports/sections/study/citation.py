"""Say how to cite and to reproduce a study, and which licenses apply."""

import shlex

from reports.ledger.data_record import DataRecord
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.sections.elements import CodeBlock
from reports.sections.paper.references import (
    BLOODMNIST_KEYS,
    MEDMNIST_KEY,
    SOFTWARE_LICENSE,
    format_bibtex,
    format_software_bibtex,
)

_UNKNOWN_LICENSE = (
    "unknown to bloodstudy; BloodMNIST and the photographs that it was made from have CC BY 4.0. "
    "If the file was made from them, cite both"
)


def list_license_facts(data: DataRecord) -> list[tuple[str, str]]:
    """List the licenses of the software and of the data.

    Args:
        data: Record of the data.
    """
    return [
        ("License of bloodstudy", SOFTWARE_LICENSE),
        ("License of the data", _get_data_license(data)),
    ]


def _get_data_license(data: DataRecord) -> str:
    if data.medmnist_file is not None:
        return data.medmnist_file.data_set.license
    if data.kind is DataKind.SYNTHETIC:
        return "none: bloodstudy generated the images"
    return _UNKNOWN_LICENSE


def make_code_blocks(study: StudyRecord) -> tuple[CodeBlock, ...]:
    """Return the command that reproduces a study, and what to cite.

    Args:
        study: Record of the study.
    """
    entries = [format_software_bibtex(study.software)]
    if study.data.kind is not DataKind.SYNTHETIC:
        keys = BLOODMNIST_KEYS if study.data.other_set is None else (MEDMNIST_KEY,)
        entries.append(format_bibtex(keys))
    return (
        CodeBlock(title="Command to reproduce the study", text=complete_command(study)),
        CodeBlock(title="Cite software and data as", text="\n".join(entries).strip()),
    )


def complete_command(study: StudyRecord) -> str:
    """Return the command line of a study, quoted for a shell.

    Options of the data that came from the environment are added.

    Args:
        study: Record of the study.
    """
    arguments, data = [*study.command], study.data
    names = {argument.partition("=")[0] for argument in arguments}
    if data.kind is DataKind.SYNTHETIC and "--data" not in names:
        arguments += ["--data", "synthetic"]
    if data.kind is DataKind.MEDMNIST and names.isdisjoint({"--data", "--data-file"}):
        option = "" if data.medmnist_file is None else data.medmnist_file.option
        arguments += ["--data", option]
    if data.kind is DataKind.FILE and names.isdisjoint({"--data-file", "--data-root"}):
        arguments += ["--data-file", data.name]
    if data.dropped is not None and "--drop-duplicates" not in names:
        arguments.append("--drop-duplicates")
    return shlex.join(arguments)
