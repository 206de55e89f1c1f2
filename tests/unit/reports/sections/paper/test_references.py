"""References: valid BibTeX with the fields that its types require."""

from typing import get_args

import pytest

from reports.sections.paper.references import (
    CHECKLIST_KEYS,
    OPTIMIZER_KEYS,
    SAMPLER_KEYS,
    format_bibtex,
    load_references,
)
from study.configs.search_space import Sampler
from tests.helpers.bibtex import parse_bibtex

REQUIRED_FIELDS = {
    "article": {"author", "title", "journal", "volume", "pages", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "misc": {"author", "title"},
}


@pytest.mark.parametrize("key", load_references())
def test_format_bibtex_has_the_required_fields(key: str) -> None:
    entries = parse_bibtex(format_bibtex([key]))
    reference = load_references()[key]
    assert entries == {key: {"kind": reference.kind, **reference.fields}}
    assert entries[key].keys() >= REQUIRED_FIELDS[reference.kind]
    assert entries[key]["title"].isascii()  # a plain bibtex reads only ASCII
    assert entries[key]["author"].isascii()


@pytest.mark.parametrize("key", load_references())
def test_reference_short_form_has_first_author_and_year(key: str) -> None:
    reference = load_references()[key]
    author = reference.fields["author"].partition(",")[0]
    assert reference.short.startswith(author)
    assert reference.short.endswith(reference.fields.get("year", author))


def test_format_bibtex_writes_each_entry_once() -> None:
    keys = [*load_references(), "holm1979", "efron1979"]
    assert [*parse_bibtex(format_bibtex(keys))] == [*load_references()]


def test_format_bibtex_with_an_unknown_key_raises_key_error() -> None:
    with pytest.raises(KeyError, match="nobody1900"):
        format_bibtex(["holm1979", "nobody1900"])


def test_every_sampler_and_listed_key_has_a_reference() -> None:
    assert {*SAMPLER_KEYS} == {*get_args(Sampler)}
    keys = {*SAMPLER_KEYS.values(), *OPTIMIZER_KEYS.values(), *CHECKLIST_KEYS}
    assert keys <= load_references().keys()


@pytest.mark.parametrize("text", ["@misc{a,\n  title = {{x},\n}\n", "text", "@misc{a,\n}\n"])
def test_parse_bibtex_of_invalid_text_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"entry|braces"):
        parse_bibtex(text)
