"""Write the files of a report that a paper about the study needs.

checklist.md        CLAIM 2024 and TRIPOD+AI, filled as far as the study knows
methods.md          paragraphs on the methods, with citations in the syntax of Pandoc
references.bib      the cited references, and that of bloodstudy
"""

from collections.abc import Iterable

from reports.format.escape import escape_markdown
from reports.page.render import make_environment
from reports.sections.findings import Analysis
from reports.sections.paper.facts import PaperFacts, collect_facts
from reports.sections.paper.methods import Sentence, write_methods
from reports.sections.paper.references import (
    CHECKLIST_KEYS,
    format_bibtex,
    format_software_bibtex,
)
from reports.sections.paper.section import make_checklists


def make_paper_files(analysis: Analysis) -> dict[str, str]:
    """Return the texts of the files by name.

    Args:
        analysis: Results of the study's report.
    """
    facts = collect_facts(analysis)
    paragraphs = write_methods(facts)
    used_keys = [key for paragraph in paragraphs for _, keys in paragraph for key in keys]
    return {
        "checklist.md": _render_checklists(facts),
        "methods.md": _format_methods(facts, paragraphs),
        "references.bib": "\n".join(
            [
                format_software_bibtex(facts.study.software),
                format_bibtex([*used_keys, *CHECKLIST_KEYS]),
            ]
        ),
    }


def _render_checklists(facts: PaperFacts) -> str:
    template = make_environment(escape_markdown).get_template("checklist.md")
    return template.render(study=facts.study.name, data=facts.data, tables=make_checklists(facts))


def _format_methods(facts: PaperFacts, paragraphs: Iterable[Iterable[Sentence]]) -> str:
    header = [
        f"# Methods of {escape_markdown(facts.study.name)}",
        escape_markdown(facts.data.full_line),
    ]
    texts = (" ".join(map(_format_sentence, paragraph)) for paragraph in paragraphs)
    return "\n\n".join([*header, *texts]) + "\n"


def _format_sentence(sentence: Sentence) -> str:
    citation = f" [{'; '.join(f'@{key}' for key in sentence.keys)}]" if sentence.keys else ""
    return f"{escape_markdown(sentence.text)}{citation}."
