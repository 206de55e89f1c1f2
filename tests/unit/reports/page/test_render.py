"""What the templates make of a section, in HTML and in Markdown, and of what was left out."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import NamedTuple, get_args

import pandas as pd
import pytest

from reports.analysis import reproduction
from reports.claims import claim
from reports.format.data_warnings import list_score_warnings
from reports.format.table import Column, make_table
from reports.format.text import DataLabel
from reports.ledger.data_record import DuplicatesRecord
from reports.ledger.loading import Problem, read_study_files
from reports.ledger.records import SoftwareChange
from reports.ledger.states import DataKind
from reports.page.render import Banner, PageHeader, make_banner, render_report
from reports.sections.elements import CodeBlock, HeatMap, HeatMapCell, ReportFigure, Section
from tests.helpers import grid_builder, page_contents, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import SEARCH_RECORD


class Rendered(NamedTuple):
    """A report in both formats."""

    html: str
    markdown: str


def render(sections: list[Section], banner: Banner | None = None) -> Rendered:
    header = PageHeader(title="t", study="s", data=page_contents.DATA_LABEL, banner=banner)
    return Rendered(*render_report(header, sections))


@pytest.fixture(scope="module")
def handmade() -> Rendered:
    """The report with every kind of element, and attacks in every text."""
    return Rendered(*render_report(*page_contents.make_page_inputs()))


def test_render_report_policy_allows_its_style_and_its_script_only(handmade: Rendered) -> None:
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', handmade.html)
    assert policy is not None
    allowed = dict(part.split(" ", 1) for part in policy[1].split("; "))
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", handmade.html, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert allowed.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert allowed == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.parametrize("verdict", [*get_args(claim.Verdict), *reproduction.Verdict])
def test_render_report_every_verdict_has_a_sign_and_a_color(
    handmade: Rendered, verdict: str
) -> None:
    name = verdict.replace(" ", "-")
    assert f'<span class="verdict {name}">{verdict}</span>' in handmade.html
    (style,) = re.findall("<style>(.*?)</style>", handmade.html, re.DOTALL)
    rules = re.findall(rf"^.*\.{name}\b.*$", style, re.MULTILINE)
    assert any("::before" in rule and "content:" in rule for rule in rules)
    assert any("color:" in rule for rule in rules)


def test_render_report_elements_have_no_handler_and_no_style(handmade: Rendered) -> None:
    html = re.sub(r"<(style|script)>.*?</\1>", "", handmade.html, flags=re.DOTALL)
    tags = re.findall(r"<[a-z][^>]*>", html)
    assert len(tags) > 500
    assert not [tag for tag in tags if re.search(r"\s(on[a-z]+|style)=", tag)]


def test_render_report_names_from_users_stay_text(handmade: Rendered) -> None:
    assert handmade.html.count("<script") == 1
    # Title, contents, words, point; notice; four titles and captions of heat maps; gallery.
    assert handmade.html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 40
    assert "<" not in handmade.markdown.replace("<br>", "")


def test_render_report_markdown_has_bullets_banner_and_thumbnails(handmade: Rendered) -> None:
    lines = handmade.markdown.split("\n")
    header, sections = page_contents.make_page_inputs()
    banner = header.banner
    assert banner is not None
    assert f"- {sections[0].bullets[0]}" in lines
    assert f"> **{banner.heading}**" in lines
    assert sum(line.startswith("- Cell ") for line in lines) == 14


def test_render_report_markdown_has_one_of_five_heat_maps(handmade: Rendered) -> None:
    lines = handmade.markdown.split("\n")
    n_of_others = 2  # a section with two heat maps has both
    assert sum(line.startswith("| | basophil |") for line in lines) == 1 + n_of_others
    first, *_ = (line for line in lines if line.startswith("| mlnn-config-1 | +0.00 |"))
    assert first.endswith("| +6.00 | +7.00 |")


def test_render_report_markdown_has_all_of_four_heat_maps() -> None:
    heat_maps = tuple(
        HeatMap(
            title=title, caption="C", rows=("r",), columns=("c",), cells=((HeatMapCell(text="1"),),)
        )
        for title in "WXYZ"
    )
    lines = render([Section(key="k", title="T", heat_maps=heat_maps)]).markdown.split("\n")
    assert [line for line in lines if line.endswith(". C")] == ["W. C", "X. C", "Y. C", "Z. C"]


def test_render_report_links_a_figure_that_is_not_on_the_page() -> None:
    shown = ReportFigure(
        name="shown", caption="C", wide=False, inline="<svg/>", narrow=None, svg=b"", png=b""
    )
    figures = (shown, replace(shown, name="linked", inline=None))
    rendered = render([Section(key="k", title="T", figures=figures)])
    assert rendered.html.count("<figure") == 1
    assert 'href="figures/linked.svg"' in rendered.html
    assert 'href="figures/linked.png"' in rendered.html
    assert "(figures/linked.svg)" in rendered.markdown


def test_render_report_shows_the_table_of_a_heat_map_and_not_that_of_the_files() -> None:
    columns = [Column(key="a", heading=("A",))]
    frame = pd.DataFrame({"a": ["only cell"]})
    every = make_table("all", "All", columns, frame, folded=True, on_page=False)
    table = make_table("one", "One", columns, frame, files_name="all")
    heat_map = HeatMap(
        title="H", caption="C", rows=("r",), columns=("c",), cells=((HeatMapCell(text="1"),),)
    )
    heat_maps = (replace(heat_map, table=table),)
    rendered = render([Section(key="k", title="T", heat_maps=heat_maps, tables=(every,))])
    assert 'id="table-one"' in rendered.html
    assert 'href="tables/all.csv"' in rendered.html
    assert 'id="table-all"' not in rendered.html
    assert rendered.markdown.count("only cell") == 1


def test_render_report_escapes_paragraphs() -> None:
    rendered = render([Section(key="k", title="T", paragraphs=("95% & more",))])
    assert "<p>95% &amp; more</p>" in rendered.html
    assert "95% &amp; more" in rendered.markdown


def test_render_report_summary_stands_before_the_contents() -> None:
    sections = [Section(key=key, title=key.upper()) for key in ("summary", "other", "ranking")]
    html = render(sections).html
    assert html.index("SUMMARY") < html.index("<nav") < html.index("OTHER")
    assert 'href="#summary"' not in html
    # The ranking of a search follows other sections.
    assert html.index('href="#ranking"') < html.index("RANKING")


@pytest.mark.parametrize("banner", [None, Banner(heading="H", notices=("N",))])
def test_render_report_has_a_banner_if_there_is_one(banner: Banner | None) -> None:
    rendered = render([], banner)
    assert ('class="banner"' in rendered.html) == (banner is not None)
    assert ("> - N" in rendered.markdown) == (banner is not None)


def make_problem_banner(folder: Path, n_problems: int, *others: Problem) -> Banner:
    """Return the banner of a study of 20 trials, the first of which have a problem."""
    ledger = grid_builder.build_grid(
        folder, {"x": [ASYMMETRIC] * 20}, missing_trials=[("x", seed) for seed in range(20)]
    )
    loaded_study = read_study_files(ledger)
    problems = [
        Problem(trial_id=planned.id, reason="torn")
        for planned in loaded_study.study.trials[:n_problems]
    ]
    banner = make_banner([replace(loaded_study, problems=(*problems, *others))])
    assert banner is not None
    return banner


def test_make_banner_names_a_trial_left_out_with_its_reason(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]}
    )
    assert make_banner([read_study_files(ledger)]) is None
    trial_id = ledger.study.trials[0].id
    spoilt = ledger.folder / "predictions" / f"{trial_id}.npz"
    spoilt.write_bytes(b"torn")
    banner = make_banner([read_study_files(ledger)])
    assert banner is not None
    assert re.findall(r"\d+", banner.heading) == ["1", "2"]
    (notice,) = banner.notices
    assert notice.startswith(f"{trial_id}: ")
    assert spoilt.name in notice


def test_make_banner_names_an_absent_class_and_duplicates_once_for_all_studies(
    tmp_path: Path,
) -> None:
    matrix = grid_builder.remove_class(ASYMMETRIC, 3)
    loaded_study = read_study_files(
        grid_builder.build_grid(tmp_path / "s", {"x": [matrix]}, kind=DataKind.FILE)
    )
    duplicates = DuplicatesRecord(groups=1, across_splits=1, contradictory=0, test_images=1)
    data = replace(loaded_study.study.data, duplicates=duplicates)
    loaded_study = replace(loaded_study, study=replace(loaded_study.study, data=data))
    banner = make_banner([loaded_study, loaded_study])
    assert banner is not None
    warnings = list_score_warnings(data)
    assert len(warnings) == 3  # val, test, duplicates
    assert banner.notices[:3] == tuple(warnings)
    assert len(banner.notices) == 4  # nothing published


def test_make_banner_counts_proposals_of_a_search(tmp_path: Path) -> None:
    record = replace(SEARCH_RECORD, n_trials=3, retrain_top=1, retrain_seeds=1)
    ledger = search_builder.build_search(tmp_path / "s", search=record, with_confirmation=False)
    planned = ledger.list_planned_trials()
    (ledger.folder / "epochs" / f"{ledger.read_proposals()[1].id}.jsonl").unlink()
    banner = make_banner([read_study_files(ledger)])
    assert banner is not None
    assert re.findall(r"\d+", banner.heading) == ["1", str(len(planned))]


@pytest.mark.parametrize(("n_problems", "n_named", "n_more"), [(10, 10, None), (12, 10, "2")])
def test_make_banner_of_many_trials_names_ten(
    tmp_path: Path, n_problems: int, n_named: int, n_more: str | None
) -> None:
    banner = make_problem_banner(tmp_path / "s", n_problems)
    assert re.findall(r"\d+", banner.heading) == [str(n_problems), "20"]
    assert sum(notice.endswith(": torn") for notice in banner.notices) == n_named
    assert re.findall(r"\d+", " ".join(banner.notices[n_named:])) == ([n_more] if n_more else [])


def test_make_banner_file_of_no_trial_is_not_counted(tmp_path: Path) -> None:
    problem = Problem(trial_id="some file", reason="torn")
    both = make_problem_banner(tmp_path / "a", 1, problem)
    assert re.findall(r"\d+", both.heading) == ["1", "20"]
    alone = make_problem_banner(tmp_path / "b", 0, problem)
    assert not re.findall(r"\d+", alone.heading)
    assert alone.notices == ("some file: torn",)


def test_make_banner_names_a_change_of_software(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    loaded_study = read_study_files(ledger)
    software = replace(grid_builder.SOFTWARE, versions={"torch": "9.9"})
    change = SoftwareChange(changed_at="2026-01-03T00:00:00Z", software=software)
    records = {
        trial_id: replace(record, software_sha256=software.sha256)
        for trial_id, record in loaded_study.records.items()
    }
    banner = make_banner([replace(loaded_study, records=records, software_changes=(change,))])
    assert banner is not None
    (notice,) = banner.notices
    assert change.changed_at in notice
    assert "9.9" in notice


def test_render_report_folds_all_but_the_first_paragraph_of_a_folded_section() -> None:
    section = Section(
        key="k", title="T", paragraphs=("first", "second"), facts=(("term", "value"),)
    )
    html, markdown = render([replace(section, folded=True)])
    assert re.search(r"<p>first</p>\s*<details>\s*<summary>", html)
    assert re.search(r"<p>second</p>.*value.*</details>\s*</section>", html, re.DOTALL)
    assert "first" in markdown
    assert "second" not in markdown
    assert "value" not in markdown
    html, markdown = render([section])
    assert "<details>" not in html
    assert "second" in markdown
    assert "- term: value" in markdown


def test_render_report_hides_rows_and_marks_the_best() -> None:
    columns = [
        Column(key="name", heading=("Name",)),
        Column(key="f1", heading=("F1",), unit="percent", mark_highest=True),
    ]
    frame = pd.DataFrame({"name": ["model", "copy", "worse"], "f1": [0.9, 0.9, 0.5]})
    table = make_table("t", "c", columns, frame, hidden=[1])
    rendered = render([Section(key="x", title="X", tables=(table,), notes=("A note.",))])
    assert rendered.html.count('class="hidden"') == 1
    assert rendered.html.count('class="n best"') == 2
    assert '<label class="switch">' in rendered.html
    assert "copy" not in rendered.markdown
    assert "**90.00**" in rendered.markdown
    assert "A note." in rendered.html
    assert "A note." in rendered.markdown


def test_render_report_names_the_parts_that_are_not_printed() -> None:
    columns, frame = [Column(key="x", heading=("X",))], pd.DataFrame({"x": ["1"] * 20})
    long_table, short_table = (
        make_table(name, "C", columns, rows, folded=True)
        for name, rows in (("long", frame), ("short", frame[:1]))
    )
    code = CodeBlock(title="Long code", text="x\n" * 20)
    section = Section(
        key="k", title="T", tables=(long_table, short_table), notes=("N",), code_blocks=(code,)
    )
    assert [name for name in section.unprinted if "tables/" in name] == ["tables/long.csv"]
    assert "Long code" in section.unprinted
    assert '<pre class="long"' in render([section]).html
    assert len(section.unprinted) == 3
    html = render([section]).html
    assert html.count('class="left-out"') == 1
    assert html.count('<details class="short">') == 1
    assert (
        'class="left-out"'
        not in render([replace(section, notes=(), tables=(), code_blocks=())]).html
    )


def test_render_report_text_to_copy_stays_as_it_is() -> None:
    block = CodeBlock(title="Copy", text="a_b --c '<d>'\n  {`*`}")
    rendered = render([Section(key="k", title="T", code_blocks=(block,))])
    (code,) = re.findall("<pre.*?><code>(.*?)</code></pre>", rendered.html, re.DOTALL)
    assert unescape(code) == block.text
    assert "\n\n    a_b --c '<d>'\n      {`*`}\n" in rendered.markdown


def test_render_report_prints_the_data_on_every_page() -> None:
    data = DataLabel(warning="", short='"; } </style> \\ ü\n.npz', full="x")
    header = PageHeader(title="t", study="s", data=data, banner=None)
    html, _ = render_report(header, [])
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    (content,) = re.findall(r'@bottom-left { content: "(.*?)";', style)
    codes = content.replace("\\", " ").split()
    assert "".join(chr(int(code, 16)) for code in codes) == data.short_line


def test_make_banner_of_other_classes_does_not_mention_published_values(tmp_path: Path) -> None:
    matrix = grid_builder.remove_class(ASYMMETRIC, 3)
    names = tuple(f"class {i}" for i in range(8))
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"x": [matrix]}, kind=DataKind.FILE, class_names=names
    )
    banner = make_banner([read_study_files(ledger)])
    assert banner is not None
    assert len(banner.notices) == 2  # val and test lack the class
