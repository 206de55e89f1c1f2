r"""References of the methods that a report uses, as BibTeX entries.

The bibliographic data are in `references.json`, in BibTeX's own syntax, e.g. `{\'e}`. They were
typed from the publications' own data; a reference without a year has none in its source.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from reports.ledger.records import SoftwareRecord
from reports.ledger.serialization import STRICT

SAMPLER_KEYS = {
    "tpe": "bergstra2011",
    "random": "bergstra2012",
    "cmaes": "hansen2001",
    "gp": "snoek2012",
}
"""References of the samplers of a search. That of `gp` describes the method in general."""

OPTIMIZER_KEYS = {"adam": "kingma2015", "adamw": "loshchilov2019"}
"""References of the optimizers; SGD with momentum has none here."""

MEDMNIST_KEY = "yang2023"
"""Reference of MedMNIST."""

BLOODMNIST_KEYS = (MEDMNIST_KEY, "acevedo2020")
"""References of BloodMNIST and of the photographs that it was made from."""

SOFTWARE_LICENSE = "MIT"
"""License of this software, as in `pyproject.toml`."""

CHECKLIST_KEYS = ("tejani2024", "collins2024")
"""References of the two checklists."""


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Reference:
    """A publication.

    Attributes:
        short: Citation in running text, e.g. `Holm 1979`.
        kind: Type of the BibTeX entry, e.g. `article`.
        fields: Fields of the entry by name, in BibTeX's syntax.
    """

    short: str
    kind: str
    fields: Mapping[str, str]


@cache
def load_references() -> Mapping[str, Reference]:
    """Return the references by key, which are read only once."""
    content = Path(__file__).with_name("references.json").read_bytes()
    return TypeAdapter(dict[str, Reference]).validate_json(content)


def format_bibtex(keys: Iterable[str]) -> str:
    """Return BibTeX entries, each once, in the order of `load_references`.

    Args:
        keys: Keys of references.

    Raises:
        KeyError: There is no reference with one of the keys.
    """
    references, used_keys = load_references(), {*keys}
    if unknown_keys := used_keys - references.keys():
        raise KeyError(min(unknown_keys))
    return "\n".join(_format_entry(key, references[key]) for key in references if key in used_keys)


def format_software_bibtex(software: SoftwareRecord) -> str:
    """Return the BibTeX entry of bloodstudy, with its version and commit, if known.

    Args:
        software: Software with which a study was created.
    """
    version, commit = software.versions.get("bloodstudy"), software.commit
    parts = [f"version {version}" if version else "", f"commit {commit}" if commit else ""]
    note = ", ".join(part for part in parts if part)
    fields = {
        "author": "{The bloodstudy developers}",
        "title": "bloodstudy",
        "year": "2026",
        **({"note": note[0].upper() + note[1:]} if note else {}),
    }
    return _format_entry("bloodstudy", Reference(short="bloodstudy", kind="misc", fields=fields))


def _format_entry(key: str, reference: Reference) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in reference.fields.items()]
    return "\n".join([f"@{reference.kind}{{{key},", *lines, "}"]) + "\n"
