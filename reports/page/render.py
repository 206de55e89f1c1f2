"""Sections to one HTML page and to Markdown, through `templates/`."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from reports.format.escape import escape_markdown
from reports.format.text import DataLabel, list_software_notices
from reports.format.units import format_count
from reports.ledger.loading import LoadedStudy
from reports.sections.elements import Section

_TEMPLATE_FOLDER = Path(__file__).with_name("templates")


_MAX_NOTICES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What a reader must know before any number: what was left out, or not the same.

    Attributes:
        heading: how much.
        notices: what, and why.
    """

    heading: str
    notices: tuple[str, ...]


def make_banner(loaded_studies: Sequence[LoadedStudy]) -> Banner | None:
    """Name the trials that are left out, the first ten, and the changes of software.

    Returns:
        The banner; None if there is nothing to say.
    """
    problems = [problem for loaded_study in loaded_studies for problem in loaded_study.problems]
    notices = [f"{problem.trial_id}: {problem.reason}" for problem in problems[:_MAX_NOTICES]]
    if n_more := len(problems) - len(notices):
        notices.append(f"and {n_more:,} more")
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
    else:
        heading = "The software changed while this study was trained"
    return Banner(heading=heading, notices=tuple(notices))


def render_report(
    study_name: str, data: DataLabel, notice: Banner | None, report_sections: Sequence[Section]
) -> tuple[str, str]:
    """The page in HTML and in Markdown; the files that they link to are not made.

    Args:
        study_name: its name.
        data: its data's.
        notice: what was left out.
        report_sections: in order; one with the key `summary` stands before the list of contents.
    """
    context = {"study": study_name, "data": data, "banner": notice, "sections": report_sections}
    css, script = (
        (_TEMPLATE_FOLDER / name).read_text(encoding="utf-8") for name in ("style.css", "page.js")
    )
    page = (
        make_environment(None)
        .get_template("index.html")
        .render(
            **context,
            css=Markup(css),  # noqa: S704 - our own file
            css_hash=_compute_csp_hash(css),
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=_compute_csp_hash(script),
        )
    )
    return page, make_environment(escape_markdown).get_template("report.md").render(**context)


def make_environment(escape: Callable[..., Any] | None) -> Environment:
    """Templates whose every output is escaped: by `escape`, or for HTML if it is None."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE_FOLDER),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape,
    )
    environment.filters["data_uri"] = _make_data_uri
    environment.filters["unbroken"] = _keep_percent_signs
    return environment


def _compute_csp_hash(text: str) -> str:
    """As a content security policy names the one style or script that it lets be."""
    return b64encode(sha256(text.encode()).digest()).decode()


def _make_data_uri(image: bytes, media_subtype: str) -> str:
    """An image without a file: a page with it inside makes no request."""
    return f"data:image/{media_subtype};base64,{b64encode(image).decode()}"


def _keep_percent_signs(text: str) -> str:
    """No line of the page ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
