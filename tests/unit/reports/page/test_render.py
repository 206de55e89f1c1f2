"""What the templates make of a section, in HTML and in Markdown, and of what was left out."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from reports.ledger import loading
from reports.ledger.loading import Problem
from reports.page import render
from reports.page.render import Banner
from reports.sections.elements import HeatMap, HeatMapCell, Section
from tests.helpers import grid_builder, page_contents
from tests.helpers.grid_builder import ASYMMETRIC


@pytest.fixture(scope="module")
def both() -> tuple[str, str]:
    """The handmade page in HTML and in Markdown."""
    return render.render_report(*page_contents.make_page_inputs())


def test_the_policy_names_the_style_and_the_script_and_nothing_else(both: tuple[str, str]) -> None:
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', both[0])
    assert policy is not None
    allowed = dict(part.split(" ", 1) for part in policy[1].split("; "))
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", both[0], re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert allowed.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert allowed == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_no_element_has_a_handler_or_a_style_of_its_own(both: tuple[str, str]) -> None:
    tags = re.findall(r"<[a-z][^>]*>", re.sub(r"<(style|script)>.*?</\1>", "", both[0], flags=re.S))
    assert len(tags) > 500
    assert not [tag for tag in tags if re.search(r"\s(on[a-z]+|style)=", tag)]


def test_names_from_users_stay_text_in_every_element(both: tuple[str, str]) -> None:
    html, text = both
    assert html.count("<script") == 1
    # Title, contents, words, point; notice; four titles and captions of heat maps; gallery.
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 40
    assert "<" not in text.replace("<br>", "")


def test_markdown_has_points_one_heat_map_of_four_and_what_the_thumbnails_show(
    both: tuple[str, str],
) -> None:
    lines = both[1].split("\n")
    assert "- Of 28 pairs, 16 differ." in lines
    assert "> **3 of 8 trials were left out of this report**" in lines
    heads = [line for line in lines if line.startswith("| | basophil |")]
    assert len(heads) == 1
    (first,) = (line for line in lines if line.startswith("| mlnn-config-1 | +0.00 |"))
    assert first.endswith("| +6.00 | +7.00 |")
    assert sum("The other 3 tables of this kind are on the page" in line for line in lines) == 1
    assert sum(line.startswith("- Cell ") for line in lines) == 14


def test_markdown_has_all_of_three_heat_maps() -> None:
    cells = ((HeatMapCell(text="1"),),)
    grids = [
        HeatMap(title=title, caption="C", rows=("r",), columns=("c",), cells=cells)
        for title in "XYZ"
    ]
    section = Section(key="k", title="T", heat_maps=tuple(grids))
    text = render.render_report("s", page_contents.DATA_LABEL, None, [section])[1]
    assert [line for line in text.split("\n") if line.endswith(". C")] == ["X. C", "Y. C", "Z. C"]
    assert "are on the page" not in text


def test_a_line_does_not_end_before_a_percent_sign() -> None:
    section = Section(key="k", title="T", paragraphs=("95 % & more",))
    html, text = render.render_report("s", page_contents.DATA_LABEL, None, [section])
    assert "<p>95\N{NO-BREAK SPACE}% &amp; more</p>" in html
    assert "95 % &amp; more" in text


def test_a_page_without_notices_has_no_banner() -> None:
    html, text = render.render_report("s", page_contents.DATA_LABEL, None, [])
    assert 'class="banner"' not in html
    assert "> " not in text


@pytest.mark.parametrize("shade", [-6, 6])
def test_a_shade_beyond_the_palette_is_refused(shade: int) -> None:
    with pytest.raises(ValueError, match=f"shade is {shade}, expected -5 to 5"):
        HeatMapCell(text="", shade=shade)


def test_a_trial_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]}
    )
    assert render.make_banner([loading.read_study_files(ledger)]) is None
    (trial, _) = (planned.id for planned in ledger.study.trials)
    spoilt = ledger.folder / "predictions" / f"{trial}.npz"
    spoilt.write_bytes(b"torn")
    found = render.make_banner([loading.read_study_files(ledger)])
    assert found is not None
    assert found.heading == "1 of 2 trials was left out of this report"
    (notice,) = found.notices
    assert notice.startswith(f"{trial}: ")
    assert spoilt.name in notice


def _left_out(tmp_path: Path, trials: int, *others: Problem) -> Banner:
    """The banner of a study of 20 trials, the first of them left out."""
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"x": [ASYMMETRIC] * 20}, missing_trials=[("x", seed) for seed in range(20)]
    )
    out = [Problem(trial_id=planned.id, reason="torn") for planned in ledger.study.trials[:trials]]
    found = render.make_banner(
        [replace(loading.read_study_files(ledger), problems=(*out, *others))]
    )
    assert found is not None
    return found


def test_of_many_trials_left_out_ten_are_named(tmp_path: Path) -> None:
    found = _left_out(tmp_path, 12)
    assert found.heading == "12 of 20 trials were left out of this report"
    assert len(found.notices) == 11
    assert found.notices[9].endswith(": torn")
    assert found.notices[10] == "and 2 more"


def test_ten_trials_left_out_are_all_of_them(tmp_path: Path) -> None:
    assert len(_left_out(tmp_path, 10).notices) == 10


def test_a_file_of_no_trial_is_not_counted_as_one(tmp_path: Path) -> None:
    problem = Problem(trial_id="looks at test", reason="torn")
    (tmp_path / "a").mkdir()
    assert _left_out(tmp_path / "a", 1, problem).heading.startswith("1 of 20 trials was")
    (tmp_path / "b").mkdir()
    found = _left_out(tmp_path / "b", 0, problem)
    assert found.heading == "Not every file of this study could be read"
    assert found.notices == ("looks at test: torn",)
