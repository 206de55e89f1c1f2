"""The files for a paper: Markdown that Pandoc reads, and the references that it cites."""

import re

import pytest

from reports.page.paper_files import make_paper_files
from reports.sections.paper.claim_2024 import CLAIM_2024
from reports.sections.paper.references import CHECKLIST_KEYS
from reports.sections.paper.tripod_ai import TRIPOD_AI
from tests.helpers.bibtex import parse_bibtex
from tests.helpers.report_frames import ReportedStudy


@pytest.fixture(params=["reported_grid", "reported_search", "reported_synthetic"])
def reported(request: pytest.FixtureRequest) -> ReportedStudy:
    study: ReportedStudy = request.getfixturevalue(request.param)
    return study


def test_make_paper_files_cites_exactly_the_listed_references(reported: ReportedStudy) -> None:
    files = make_paper_files(reported.analysis)
    citations = re.findall(r"\[(@[^\]]*)\]", files["methods.md"])
    cited = {key.removeprefix("@") for citation in citations for key in citation.split("; ")}
    assert cited
    assert {*parse_bibtex(files["references.bib"])} == cited | {*CHECKLIST_KEYS, "bloodstudy"}


def test_make_paper_files_checklist_has_a_row_for_each_item(reported: ReportedStudy) -> None:
    text = make_paper_files(reported.analysis)["checklist.md"]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert all(len(row) == 4 for row in rows)
    numbers = [row[0].removeprefix("| ") for row in rows if row[0] not in {"| Item", "| :--"}]
    assert numbers == [item.number for item in (*CLAIM_2024, *TRIPOD_AI)]


def test_make_paper_files_name_the_data(reported: ReportedStudy) -> None:
    files = make_paper_files(reported.analysis)
    warning = reported.analysis.context.data.warning
    for name in ("checklist.md", "methods.md"):
        assert files[name].splitlines()[2].startswith(warning or "Data: ")
