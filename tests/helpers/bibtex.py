"""Parse the subset of BibTeX that a report writes: entries with fields in braces."""

import re

_ENTRY = re.compile(r"@(\w+)\{([\w-]+),\n((?:  \w+ = \{.*\},\n)+)\}\n")
_FIELD = re.compile(r"  (\w+) = \{(.*)\},\n")


def parse_bibtex(text: str) -> dict[str, dict[str, str]]:
    """Return the fields of each entry by key, with the type of the entry as `kind`.

    Raises:
        ValueError: The text has anything else, a repeated key, or unbalanced braces.
    """
    entries: dict[str, dict[str, str]] = {}
    position = 0
    while position < len(text):
        match = _ENTRY.match(text, position)
        if match is None or match[2] in entries:
            raise ValueError(f"no new entry at {text[position : position + 40]!r}")
        fields = {field[1]: field[2] for field in _FIELD.finditer(match[3])}
        for value in fields.values():
            _require_balanced(value)
        entries[match[2]] = {"kind": match[1]} | fields
        position = match.end() + (text[match.end() : match.end() + 1] == "\n")
    return entries


def _require_balanced(value: str) -> None:
    depth = 0
    for character in value:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            raise ValueError(f"unbalanced braces in {value!r}")
    if depth:
        raise ValueError(f"unbalanced braces in {value!r}")
