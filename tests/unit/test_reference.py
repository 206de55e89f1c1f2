"""The pages of the reference that are made from the code."""

import pytest

from docs.generate_reference import REFERENCE_DIR, generate_pages

PAGES = generate_pages()


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_follows_from_the_code(name: str) -> None:
    committed = (REFERENCE_DIR / name).read_text(encoding="utf-8")
    assert committed == PAGES[name], "run: python -m docs.generate_reference"


def test_commands_have_panels_defaults_ranges_and_examples() -> None:
    page = PAGES["commands.md"]
    section = page.partition("## bloodstudy search\n")[2].partition("\n## ")[0]
    assert "```sh\nbloodstudy search --trials 50\n" in section
    assert section.index("**Resources**") < section.index("| `--cpus-per-trial N` |")
    assert "| 3; 1 ≤ x ≤ 1000 |" in section
    assert "| auto; one of auto, cpu, cuda |" in section


def test_file_format_has_types_and_meanings_of_every_key() -> None:
    rows = [line for line in PAGES["file-format.md"].splitlines() if line.startswith("| `")]
    assert all(all(cell.strip() for cell in row.split(" | ")) for row in rows)
    page = PAGES["file-format.md"]
    assert "| `study.json` |" in page
    assert "[TrialRecord](#trialrecord)" in page.partition("## ")[0]
    assert "| `kind` | [StudyKind](#studykind) |" in page
    assert "| `grid` | [GridRecord](#gridrecord) or null |" in page
    assert "Values: `grid`, `search`." in page
    assert "| `learning_rate` | array of number, 2 items |" in page
    assert "| `momentum` | number or null |" in page
