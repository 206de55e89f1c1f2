"""Escape text for Markdown and LaTeX."""

from reports.format.units import BLANK


def escape_markdown(text: object) -> str:
    """Escape for Markdown, so that no name becomes a link, a tag or a formula."""
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
    # After a line's end these two would be read as an option of it.
    "[": "{[}",
    "*": "{*}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def escape_latex(text: object) -> str:
    """Escape for LaTeX."""
    # ` ± ` loses its spaces to \, below; a heading or a name never has the sign.
    return _join_lines("".join(_LATEX.get(c, c) for c in str(text).replace(" ± ", "±")))


def _join_lines(text: str) -> str:
    return " ".join(text.split())
