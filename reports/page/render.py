"""Sections to one HTML page and to Markdown, through `templates/`."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from reports.format.escape import markdown
from reports.format.text import DataWords
from reports.format.units import plural
from reports.ledger.loading import Evidence
from reports.sections.elements import Section

_TEMPLATES = Path(__file__).with_name("templates")


_NOTICES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What a reader must know before any number: what the report had to leave out.

    Attributes:
        heading: how much.
        notices: what, and why.
    """

    heading: str
    notices: tuple[str, ...]


def banner(several: Sequence[Evidence]) -> Banner | None:
    """Say which trials are left out and why, the first ten by name; None if none is."""
    problems = [problem for evidence in several for problem in evidence.problems]
    if not problems:
        return None
    planned = [trial.id for evidence in several for trial in evidence.planned]
    out = len({problem.trial for problem in problems} & set(planned))
    verb = "was" if out == 1 else "were"
    heading = f"{out:,} of {plural(len(planned), 'trial')} {verb} left out of this report"
    notices = [f"{problem.trial}: {problem.reason}" for problem in problems[:_NOTICES_SHOWN]]
    more = len(problems) - len(notices)
    return Banner(
        heading=heading if out else "Not every file of this study could be read",
        notices=(*notices, *([f"and {more:,} more"] if more else [])),
    )


def render(
    study: str, data: DataWords, notice: Banner | None, parts: Sequence[Section]
) -> tuple[str, str]:
    """The page in HTML and in Markdown; the files that they link to are not made.

    Args:
        study: its name.
        data: its data's.
        notice: what was left out.
        parts: in order; one with the key `summary` stands before the list of contents.
    """
    everything = {"study": study, "data": data, "banner": notice, "sections": parts}
    css, script = (
        (_TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "page.js")
    )
    page = (
        environment(None)
        .get_template("index.html")
        .render(
            **everything,
            css=Markup(css),  # noqa: S704 - our own file
            css_hash=_hash(css),
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=_hash(script),
        )
    )
    return page, environment(markdown).get_template("report.md").render(**everything)


def environment(escape: Callable[..., Any] | None) -> Environment:
    """Templates whose every output is escaped: by `escape`, or for HTML if it is None."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["unbroken"] = _unbroken
    return environment


def _hash(text: str) -> str:
    """As a content security policy names the one style or script that it lets be."""
    return b64encode(sha256(text.encode()).digest()).decode()


def _data_uri(image: bytes, kind: str) -> str:
    """An image without a file: a page with it inside makes no request."""
    return f"data:image/{kind};base64,{b64encode(image).decode()}"


def _unbroken(text: str) -> str:
    """No line of the page ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
