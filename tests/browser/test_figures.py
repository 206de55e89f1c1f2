"""Figures in the page: exact values on hover and by key, hidden models, the colors of the page."""

from pathlib import Path

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from reports import figures
from reports.format.table import Column, make_table
from reports.page.render import PageHeader, render_report
from reports.sections.elements import HeatMap, HeatMapCell, Section, make_figure
from tests.browser.visit import open_page
from tests.helpers.page_contents import DATA_LABEL, INJECTED_HTML
from tests.helpers.report_frames import make_comparison

MODELS = ("cnn-config-2 = 4", "mlnn-config-1", INJECTED_HTML)


def draw_models(*, narrow: bool = False) -> figures.MarkedFigure:
    frame = make_comparison({MODELS[0]: 0.94, MODELS[1]: 0.9, MODELS[2]: 0.87}).assign(method="x")
    return figures.draw_ranking(frame, [MODELS[:2]], [], data=DATA_LABEL, narrow=narrow)


def make_pair_map(models: tuple[str, ...]) -> HeatMap:
    cells = ((HeatMapCell(text="2"),),)
    title = " and ".join(models)
    return HeatMap(title=title, caption="", rows=("x",), columns=("y",), cells=cells, models=models)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a figure, a table and a heat map of three models."""
    section = Section(
        key="scores",
        title="Scores",
        figures=(
            make_figure(
                "ranking", "Macro F1", draw_models(), narrow=draw_models(narrow=True), wide=True
            ),
        ),
        heat_maps=(
            HeatMap(
                title="F1",
                caption="F1 of each class.",
                rows=("basophil", "eosinophil"),
                columns=MODELS,
                cells=((HeatMapCell(text="1"),) * 3,) * 2,
            ),
            *map(make_pair_map, (MODELS[:1], MODELS[1:])),
        ),
        tables=(
            make_table(
                "scores",
                "Scores",
                (Column(key="name", heading=("Model",)), Column(key="rank", heading=("Rank",))),
                pd.DataFrame({"name": MODELS, "rank": ["1", "2", "3"]}),
            ),
            make_table(
                "pairs",
                "Pairs",
                (Column(key="a", heading=("A",)), Column(key="b", heading=("B",))),
                pd.DataFrame({"a": [MODELS[0]] * 2, "b": MODELS[1:]}),
            ),
        ),
    )
    header = PageHeader(title="t", study="s", data=DATA_LABEL, banner=None, models=MODELS)
    index = tmp_path_factory.mktemp("explored") / "index.html"
    index.write_text(render_report(header, [section])[0], encoding="utf-8")
    return index


def read_tip(browser: webdriver.Chrome) -> str:
    """Return the text of the tip; empty if it is hidden."""
    tip = browser.find_element(By.CSS_SELECTOR, "#tip")
    return tip.text if tip.is_displayed() else ""


def list_displayed(browser: webdriver.Chrome, selector: str) -> list[WebElement]:
    return [e for e in browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]


def test_figure_shows_the_exact_value_under_the_pointer(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored)
    mark = browser.find_element(By.CSS_SELECTOR, "figure [data-tip]")
    assert read_tip(browser) == ""
    ActionChains(browser).move_to_element(mark).perform()
    assert MODELS[0] in read_tip(browser)
    assert "94.00% (95% CI 93.00 to 95.00)" in read_tip(browser)
    ActionChains(browser).move_to_element(browser.find_element(By.CSS_SELECTOR, "h1")).perform()
    assert read_tip(browser) == ""


def test_figure_shows_the_values_one_by_one_on_arrow_keys(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored)
    figure = browser.find_element(By.CSS_SELECTOR, "figure svg")
    browser.execute_script("arguments[0].focus()", figure)
    shown = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT):
        ActionChains(browser).send_keys(key).perform()
        shown.append(read_tip(browser))
    assert [next(i for i, name in enumerate(MODELS) if name in text) for text in shown] == [
        0,
        1,
        0,
        2,
    ]
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert read_tip(browser) == ""


def test_tip_at_the_edge_of_a_phone_stays_on_the_screen(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored, 390)
    (figure,) = list_displayed(browser, "figure svg")
    browser.execute_script("arguments[0].focus()", figure)
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    tip = browser.find_element(By.CSS_SELECTOR, "#tip").rect
    assert tip["x"] >= 0
    assert tip["x"] + tip["width"] <= 390


def test_unchecked_model_is_hidden_in_figures_tables_and_heat_maps(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored)
    browser.find_element(By.CSS_SELECTOR, ".models summary").click()
    n_marks = len(list_displayed(browser, "figure [data-tip]"))
    for box in browser.find_elements(By.CSS_SELECTOR, ".models input")[:2]:
        box.click()
    assert n_marks == 3
    assert len(list_displayed(browser, "figure [data-tip]")) == 1
    assert [row.text for row in list_displayed(browser, "#table-scores tbody th")] == [MODELS[2]]
    assert [head.text for head in list_displayed(browser, "#grid-scores-1 thead th")] == [MODELS[2]]
    assert len(list_displayed(browser, "#grid-scores-1 tbody td")) == 2
    assert "1 of 3" in browser.find_element(By.CSS_SELECTOR, ".models summary").text
    for box in browser.find_elements(By.CSS_SELECTOR, ".models input")[:2]:
        box.click()
    assert len(list_displayed(browser, "figure [data-tip]")) == 3


def list_classes(menu: Select) -> list[str]:
    """Return the classes of the options, because Selenium takes every option for displayed."""
    return [option.get_attribute("class") or "" for option in menu.options]


def test_unchecked_model_leaves_the_menu_and_the_rows_of_pairs(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored)
    menu = Select(browser.find_element(By.CSS_SELECTOR, ".grids select"))
    menu.select_by_index(2)
    assert len(list_displayed(browser, "#table-pairs tbody tr")) == 2
    browser.find_element(By.CSS_SELECTOR, ".models summary").click()
    box = browser.find_elements(By.CSS_SELECTOR, ".models input")[1]
    box.click()
    assert len(list_displayed(browser, "#table-pairs tbody tr")) == 1
    assert menu.first_selected_option.text == "F1"
    assert list_classes(menu) == ["", "", "off"]
    assert list_displayed(browser, "#grid-scores-1")
    box.click()
    assert list_classes(menu) == ["", "", ""]


def test_heading_of_a_link_is_below_the_bar_of_models(
    browser: webdriver.Chrome, explored: Path
) -> None:
    open_page(browser, explored)
    browser.find_element(By.CSS_SELECTOR, "nav a").click()
    bar, heading = (
        browser.execute_script(
            "return document.querySelector(arguments[0]).getBoundingClientRect()", selector
        )
        for selector in (".models", "#scores h2")
    )
    assert heading["top"] >= bar["bottom"]


@pytest.mark.parametrize(("width", "n_columns"), [(1280, 2), (1000, 1), (390, 1)])
def test_two_figures_stand_side_by_side_on_a_desktop_only(
    browser: webdriver.Chrome, tmp_path: Path, width: int, n_columns: int
) -> None:
    pictures = [
        make_figure(name, "Macro F1", draw_models(), wide=name == "c") for name in ("a", "b", "c")
    ]
    section = Section(key="s", title="Scores", figures=tuple(pictures))
    header = PageHeader(title="t", study="s", data=DATA_LABEL, banner=None)
    index = tmp_path / "index.html"
    index.write_text(render_report(header, [section])[0], encoding="utf-8")
    open_page(browser, index, width)
    first, second, wide = (figure.rect for figure in browser.find_elements(By.TAG_NAME, "figure"))
    assert (first["y"] == second["y"]) == (n_columns == 2)
    assert wide["width"] >= n_columns * first["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_has_the_colors_of_the_page(
    browser: webdriver.Chrome, explored: Path, scheme: str
) -> None:
    open_page(browser, explored, color_scheme=scheme)
    page, ground, text = browser.execute_script(
        "const svg = document.querySelector('figure svg');"
        "return [getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(svg.querySelector('path')).fill, getComputedStyle(svg).fill]"
    )
    assert ground == page
    assert text == browser.execute_script("return getComputedStyle(document.body).color")


def test_page_without_script_shows_its_figures_and_no_filter(
    browser: webdriver.Chrome, explored: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, explored)
        assert len(list_displayed(browser, "figure svg")) == 1
        assert not list_displayed(browser, ".models, #tip")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_figure_with_a_narrow_layout_shows_it_on_a_phone_only(
    browser: webdriver.Chrome, explored: Path
) -> None:
    for width, is_phone in ((390, True), (1280, False)):
        open_page(browser, explored, width)
        wide, narrow = browser.find_elements(By.CSS_SELECTOR, "figure svg")
        assert (wide.is_displayed(), narrow.is_displayed()) == (not is_phone, is_phone)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    open_page(browser, explored, 390, media="print")
    wide, narrow = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    assert (wide.is_displayed(), narrow.is_displayed()) == (True, False)
