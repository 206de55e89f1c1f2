"""The page in Debian's Chromium: nothing amiss, nothing asked for, nothing sticks out.

It fails where Chromium is missing: a page that nobody has opened is not known to work.
"""

import re
from base64 import b64decode
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from bloodnets.constants import CLASS_NAMES
from reports.ledger.states import DataKind
from reports.page import publish
from tests.browser.visit import find_violations, open_page
from tests.helpers import grid_builder, search_builder

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The grid with two seeds, one with a long name, a study whose names are attacks, a search."""
    folder = tmp_path_factory.mktemp("browser")
    matrices = grid_builder.make_published_matrices(2)
    grid = grid_builder.build_grid(
        folder / "grid", matrices, failed_trials={("cnn-config-2", 1): EVIL}
    )
    evil = grid_builder.build_grid(
        folder / "evil",
        {EVIL: matrices["cnn-config-1"], "a-very-long-name-" * 8: matrices["cnn-config-2"]},
        kind=DataKind.SYNTHETIC,
        class_names=(EVIL, *CLASS_NAMES[1:]),
    )
    third = {
        "family": "resnet",
        "optimizer": "adamw",
        "dihedral_augmentation": True,
        "weight_decay": 0.05,
    }
    other = {"resnet": third, "resnet-no-orientations": third | {"dihedral_augmentation": False}}
    ablation = grid_builder.build_grid(
        folder / "ablation",
        dict.fromkeys(other, matrices["cnn-config-1"]),
        record_overrides=other,
    )
    search = search_builder.build_search(
        folder / "search", failed_numbers={5: EVIL + "very-long-word-" * 40}, diverged_numbers=[6]
    )
    ledgers = {"grid": grid, "evil": evil, "search": search, "ablation": ablation}
    return {name: publish.write_report(ledger) for name, ledger in ledgers.items()}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("study", ["grid", "evil", "search", "ablation", "made"])
def test_page_opened_logs_no_error_and_requests_nothing(
    browser: webdriver.Chrome, reports: dict[str, Path], made: Path, study: str, width: int
) -> None:
    index = (reports | {"made": made})[study]
    requests = open_page(browser, index, width)
    outside = [url for url in requests if not url.startswith("data:")]
    assert outside == [index.as_uri()]
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    inner, scrolled = browser.execute_script(
        "return [window.innerWidth, document.documentElement.scrollWidth]"
    )
    assert scrolled <= inner == width
    assert browser.execute_script("return document.scripts.length") == 1


def test_page_figures_are_drawn_and_tables_filled(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    open_page(browser, reports["grid"], 1280)
    widths = browser.execute_script(
        "return [...document.querySelectorAll('figure .scroll svg')]"
        ".map(svg => svg.getBoundingClientRect().width)"
    )
    assert len(widths) == 11
    assert min(widths) > 400
    rows = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('table.sheet')]"
        ".map(t => [t.id, t.tBodies[0].rows.length]))"
    )
    assert rows["table-comparison"] == 8
    assert rows["table-per-class-cnn"] == 32
    assert rows["table-unfinished"] == 1
    assert min(rows.values()) > 0


@pytest.mark.parametrize("study", ["grid", "ablation"])
def test_page_on_a_phone_shows_name_score_and_interval_of_the_winner(
    browser: webdriver.Chrome, reports: dict[str, Path], study: str
) -> None:
    open_page(browser, reports[study], 390)
    cells = browser.find_elements(By.CSS_SELECTOR, "#table-comparison tbody tr:first-child > *")[:3]
    assert cells[1].text.replace(".", "").isdigit() or " ± " in cells[1].text
    assert cells[2].text.startswith("[")
    edge = browser.find_element(By.CSS_SELECTOR, "#table-comparison").find_element(By.XPATH, "..")
    right = edge.rect["x"] + edge.rect["width"]
    assert max(cell.rect["x"] + cell.rect["width"] for cell in cells) <= right


@pytest.mark.parametrize("width", [390, 1280])
def test_page_keeps_the_first_column_of_a_wide_table_in_view(
    browser: webdriver.Chrome, reports: dict[str, Path], width: int
) -> None:
    open_page(browser, reports["grid"], width)
    lefts = browser.execute_script(
        "const box = document.querySelector('#table-intervals').closest('.scroll');"
        "box.closest('details').open = true;"
        "const head = box.querySelector('tbody th');"
        "const left = () => head.getBoundingClientRect().left;"
        "const before = left();"
        "box.scrollLeft = 200;"
        "return [before, left(), box.scrollLeft]"
    )
    assert lefts[0] == lefts[1]
    assert lefts[2] > 100


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_page_figures_have_no_serious_accessibility_violation(
    browser: webdriver.Chrome, reports: dict[str, Path], color_scheme: str
) -> None:
    open_page(browser, reports["grid"], color_scheme=color_scheme)
    assert find_violations(browser, "figure") == []


def test_page_on_paper_has_at_most_ten_pages(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    open_page(browser, reports["grid"])
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    n_pages = len(re.findall(rb"/Type\s*/Page\b", b64decode(printed["data"])))
    assert 4 <= n_pages <= 10


@pytest.mark.parametrize("study", ["grid", "ablation"])
def test_page_comparison_fits_a_desktop_and_scrolls_on_a_phone(
    browser: webdriver.Chrome, reports: dict[str, Path], study: str
) -> None:
    script = (
        "const box = document.querySelector('#table-comparison').parentElement;"
        "return [box.clientWidth, box.scrollWidth]"
    )
    open_page(browser, reports[study], 1280)
    client, scroll = browser.execute_script(script)
    assert scroll <= client
    open_page(browser, reports[study], 390)
    client, scroll = browser.execute_script(script)
    assert client <= 390 < scroll
    overflow = "return getComputedStyle(document.querySelector('.scroll')).overflowX"
    assert browser.execute_script(overflow) == "auto"


@pytest.mark.parametrize("study", ["grid", "ablation"])
def test_page_on_paper_cuts_off_no_table(
    browser: webdriver.Chrome, reports: dict[str, Path], study: str
) -> None:
    open_page(browser, reports[study], 688, media="print")  # A4 less its margins, 182 mm
    widest = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('table')].map(t => t.offsetWidth))"
    )
    assert 500 < widest <= 688


def test_page_style_is_applied_under_its_security_policy(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    open_page(browser, reports["evil"], 1280)
    style = "return getComputedStyle(document.querySelector('.data.mark')).fontWeight"
    assert browser.execute_script(style) == "700"
    assert browser.execute_script("return document.scripts.length") == 1
    assert EVIL in browser.execute_script("return document.body.innerText")


def test_page_on_a_phone_keeps_whole_words_in_row_heads(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    open_page(browser, reports["grid"], 390)
    widths = browser.execute_script(
        "return [...document.querySelectorAll('#table-effects tbody th')].map(h => h.offsetWidth)"
    )
    assert len(widths) == 7
    assert min(widths) >= 100  # “CrossEntropy” in one piece
