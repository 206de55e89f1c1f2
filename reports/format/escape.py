"""Escape text for Markdown, LaTeX and spreadsheets."""

import unicodedata

from reports.format.units import BLANK


def escape_markdown(text: object) -> str:
    """Escape text for Markdown so that no name becomes a link, a tag or a formula."""
    entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    escaped = (f"\\{c}" if c in r"\`*_[]{}|#~$!" else entities.get(c, c) for c in str(text))
    return _join_lines("".join(escaped))


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"\,$\pm$\,",
    BLANK: "--",
    "…": r"\ldots{}",
    # LaTeX reads these two as an option of a preceding line break.
    "[": "{[}",
    "*": "{*}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def escape_latex(text: object) -> str:
    """Escape text for LaTeX."""
    # The LaTeX form of ± includes its own thin spaces.
    return _join_lines("".join(_LATEX.get(c, c) for c in str(text).replace(" ± ", "±")))


_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters with which a spreadsheet may read a cell of a CSV file as a formula."""


def escape_formula(value: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    OWASP recommends this against CSV injection, also for the full-width forms of the signs. Numbers
    and other values are returned as they are.
    """
    if isinstance(value, str) and unicodedata.normalize("NFKC", value[:1]) in _FORMULA_SIGNS:
        return f"'{value}"
    return value


def _join_lines(text: str) -> str:
    return " ".join(text.split())
