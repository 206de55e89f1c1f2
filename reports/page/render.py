"""Render sections as one HTML page and as Markdown, with the files in `templates/`."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from reports.format.data_warnings import list_score_warnings
from reports.format.escape import escape_markdown
from reports.format.text import DataLabel, list_software_notices
from reports.format.units import format_count
from reports.ledger.loading import LoadedStudy
from reports.page.terms import TermLinker, select_terms
from reports.sections.elements import Section

TEMPLATE_FOLDER = Path(__file__).with_name("templates")

_OPENING_KEYS = ("summary", "ranking")
_TERMS_TITLE = "Statistical terms"
_MAX_NOTICES = 10

_STYLES = ("style.css", "images.css", "print.css")

_SCRIPTS = ("sort.js", "heat_maps.js", "images.js", "copy.js", "figures.js", "color_scheme.js")
"""Scripts of the page, which is complete without them; they only add controls.

`figures.js` comes after the menus that it changes, and `copy.js` after the captions are complete.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Warnings at the top of a report, e.g. about trials that were left out.

    Attributes:
        heading: Summary of the warnings.
        notices: Warnings with their reasons.
    """

    heading: str
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHeader:
    """What a page shows above its sections.

    Attributes:
        title: Heading of the page.
        study: Name of the study, or names of the studies.
        data: Names of the data.
        banner: Warnings; None without any.
        models: Models that the reader can hide, as named in figures and tables.
    """

    title: str
    study: str
    data: DataLabel
    banner: Banner | None
    models: tuple[str, ...] = ()


def make_banner(loaded_studies: Sequence[LoadedStudy]) -> Banner | None:
    """List the trials that were left out, at most ten, faults of the data and changes of software.

    Returns:
        Banner; None without a warning.
    """
    problems = [problem for loaded_study in loaded_studies for problem in loaded_study.problems]
    notices = [f"{problem.trial_id}: {problem.reason}" for problem in problems[:_MAX_NOTICES]]
    if n_more := len(problems) - len(notices):
        notices.append(f"and {n_more:,} more")
    data_records = [loaded_study.study.data for loaded_study in loaded_studies]
    data_notices = [text for data in data_records for text in list_score_warnings(data)]
    if any(data.absent_classes and data.has_published_classes for data in data_records):
        data_notices.append("Published values are not shown, because a class is absent")
    notices += dict.fromkeys(data_notices)  # studies of the same data have the same warnings
    notices += [notice for study in loaded_studies for notice in list_software_notices(study)]
    if not notices:
        return None
    planned_ids = [trial.id for study in loaded_studies for trial in study.planned_trials]
    n_left_out = len({problem.trial_id for problem in problems} & {*planned_ids})
    if n_left_out:
        verb, n_planned = "was" if n_left_out == 1 else "were", len(planned_ids)
        planned = format_count(n_planned, "trial")
        heading = f"{n_left_out:,} of {planned} {verb} left out of this report"
    elif problems:
        heading = "Not every file of this study could be read"
    elif data_notices:
        heading = "The data limit what these scores mean"
    else:
        heading = "The software changed while this study was trained"
    return Banner(heading=heading, notices=tuple(notices))


def render_report(header: PageHeader, report_sections: Sequence[Section]) -> tuple[str, str]:
    """Return the page in HTML and in Markdown; the files that they link to are not written.

    Args:
        header: What the page shows above the sections.
        report_sections: Sections in order. If `summary` and `ranking` come first, they precede the
            contents.
    """
    terms = select_terms(report_sections)
    context = {
        "title": header.title,
        "study": header.study,
        "data": header.data,
        "banner": header.banner,
        "models": header.models,
        "opening_keys": [section.key for section in takewhile(_is_opening, report_sections)],
        "sections": report_sections,
        "terms": terms,
        "terms_title": _TERMS_TITLE,
    }
    css = "".join((TEMPLATE_FOLDER / name).read_text(encoding="utf-8") for name in _STYLES)
    css += _make_print_footer(header.data.short_line)
    script = _join_scripts()
    environment = make_environment(None)
    environment.filters["link_terms"] = TermLinker(terms).link
    page = environment.get_template("index.html").render(
        **context,
        css=Markup(css),  # noqa: S704 - file of this package, and escaped characters
        css_hash=compute_csp_hash(css),
        script=Markup(script),  # noqa: S704 - file of this package
        script_hash=compute_csp_hash(script),
    )
    return page, make_environment(escape_markdown).get_template("report.md").render(**context)


def _is_opening(section: Section) -> bool:
    return section.key in _OPENING_KEYS


def _join_scripts() -> str:
    """Return the scripts as one, each in a block, so that its names are its own."""
    scripts = [(TEMPLATE_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return '"use strict";\n\n' + "\n".join(f"{{\n{script}}}\n" for script in scripts)


def _make_print_footer(text: str) -> str:
    """Return the style that prints a text and the page number at the bottom of every page.

    A browser without margin boxes ignores it.
    """
    # Escaped code points, because users name the data.
    content = "".join(f"\\{ord(character):x} " for character in text)
    style = "font: 7pt sans-serif; color: #444;"
    return (
        f'@page {{ @bottom-left {{ content: "{content}"; {style} }} '
        f'@bottom-right {{ content: counter(page) " / " counter(pages); {style} }} }}\n'
    )


def make_environment(escape: Callable[..., Any] | None) -> Environment:
    """Return templates that escape every output with `escape`, or for HTML if it is None."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=None if escape is None else partial(_escape, escape),
    )
    environment.filters["indent_code"] = _indent_code
    environment.filters["data_uri"] = _make_data_uri
    return environment


def _escape(escape: Callable[..., Any], value: object) -> object:
    """Escape a value, except for one that is already in the format of the file."""
    return value if isinstance(value, Markup) else escape(value)


def _indent_code(text: str) -> Markup:
    """Return a text as an indented code block of Markdown, which no text can end."""
    lines = (f"    {line}" for line in text.splitlines())
    return Markup("\n".join(lines))  # noqa: S704 - not for HTML


def compute_csp_hash(text: str) -> str:
    """Return the hash by which a content security policy allows a style or script."""
    return b64encode(sha256(text.encode()).digest()).decode()


def _make_data_uri(png: bytes) -> str:
    """Return an image as a data URI, so that the page makes no request."""
    return f"data:image/png;base64,{b64encode(png).decode()}"
