"""Confusion matrices, differences and the gallery: what is selected together."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from reports.format.table import Column, make_table
from reports.page import render
from reports.sections.elements import HeatMap, HeatMapCell, Section
from tests.browser.visit import open_page
from tests.helpers import page_contents

CLASSES = tuple(f"class {c}" for c in range(8))
N_OPEN = 6


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gallery = page_contents.make_gallery(n_open=N_OPEN, labels=CLASSES)
    cells = tuple(tuple(HeatMapCell(text=str(8 * i + j)) for j in range(8)) for i in range(8))
    base = HeatMap(title="", caption="Rows: true", rows=CLASSES, columns=CLASSES, cells=cells)
    columns = [Column(key="cell", heading=("Cell",)), Column(key="n", heading=("n",), unit="count")]
    tables = [
        make_table(f"t-{i}", "Cells", columns, pd.DataFrame({"cell": ["a"], "n": [i]}))
        for i in range(2)
    ]
    sections = [
        Section(
            key="confusion",
            title="Confusion",
            heat_maps=tuple(
                replace(base, title=model.name, images_of=model.name) for model in gallery.models
            ),
        ),
        Section(
            key="differences",
            title="Differences",
            heat_maps=tuple(
                replace(base, title=f"pair {i}", table=table) for i, table in enumerate(tables)
            ),
        ),
        Section(key="images", title="Images", gallery=gallery),
    ]
    index = tmp_path_factory.mktemp("images") / "index.html"
    header, _ = page_contents.make_page_inputs()
    index.write_text(render.render_report(header, sections)[0], encoding="utf-8")
    return index


def find_shown(browser: webdriver.Chrome) -> list[int]:
    """Return the numbers of the images that are displayed."""
    items = browser.find_elements(By.CSS_SELECTOR, ".gallery li")
    return [i for i, item in enumerate(items) if item.is_displayed()]


def find_cell_buttons(browser: webdriver.Chrome, number: int) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, f"#grid-confusion-{number} td button")


def read_filter(browser: webdriver.Chrome) -> list[str]:
    selects = browser.find_elements(By.CSS_SELECTOR, ".filter select")
    return [Select(select).first_selected_option.text for select in selects]


def read_status(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.CSS_SELECTOR, ".filter [role=status]").text


def test_selector_moves_heat_map_and_table_together(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page)
    parts = browser.find_elements(By.CSS_SELECTOR, "#differences table")
    assert [part.is_displayed() for part in parts] == [True, True, False, False]
    Select(browser.find_element(By.CSS_SELECTOR, "#differences select")).select_by_index(1)
    assert [part.is_displayed() for part in parts] == [False, False, True, True]


@pytest.mark.parametrize("key", [None, Keys.ENTER, Keys.SPACE])
def test_cell_of_a_confusion_matrix_shows_its_images(
    browser: webdriver.Chrome, page: Path, key: str | None
) -> None:
    open_page(browser, page)
    first, second = find_cell_buttons(browser, 1)  # classes 0 and 1 as class 3
    assert [first.text, second.text] == ["3", "11"]
    if key is None:
        first.click()
    else:
        first.send_keys(key)
    assert find_shown(browser) == [0, 2, 4, 6, 8, 10, 12]
    assert read_filter(browser)[:2] == [CLASSES[0], CLASSES[3]]
    status = read_status(browser)
    assert "8" in status  # images of the cell
    assert "1" in status  # one of them is not in the sprite
    assert browser.switch_to.active_element.get_attribute("class") == "filter"
    assert "2 of 2" in browser.find_element(By.CSS_SELECTOR, ".gallery li").text
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("preference", ["reduce", "no-preference"])
def test_cell_scrolls_to_the_gallery_at_once_if_motion_is_reduced(
    browser: webdriver.Chrome, page: Path, preference: str
) -> None:
    open_page(browser, page)
    feature = {"name": "prefers-reduced-motion", "value": preference}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    (button, _) = find_cell_buttons(browser, 1)
    position = browser.execute_script("arguments[0].click(); return window.scrollY", button)
    assert (position > 0) == (preference == "reduce")


def test_cell_without_images_is_no_button(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page)
    Select(browser.find_element(By.CSS_SELECTOR, "#confusion select")).select_by_index(1)
    (button,) = find_cell_buttons(browser, 2)
    assert button.text == "12"
    button.click()
    assert find_shown(browser) == [5]
    assert not browser.find_elements(By.CSS_SELECTOR, "#differences td button")


def test_clear_shows_the_first_images_and_back_the_cell(
    browser: webdriver.Chrome, page: Path
) -> None:
    open_page(browser, page)
    clear, back = browser.find_elements(By.CSS_SELECTOR, ".filter button")
    assert not clear.is_displayed()
    assert not back.is_displayed()
    cell = find_cell_buttons(browser, 1)[1]
    cell.click()
    clear.click()
    assert find_shown(browser) == list(range(N_OPEN))
    assert read_filter(browser) == ["any"] * 3
    assert not clear.is_displayed()
    back.click()
    assert browser.switch_to.active_element == cell


def test_filter_by_class_and_model_announces_the_number(
    browser: webdriver.Chrome, page: Path
) -> None:
    open_page(browser, page)
    labels, predicted, model = (
        Select(element) for element in browser.find_elements(By.CSS_SELECTOR, ".filter select")
    )
    labels.select_by_index(2)
    assert find_shown(browser) == [1, 3, 5, 7, 9, 11, 13]
    assert "7" in read_status(browser)
    predicted.select_by_index(5)
    assert find_shown(browser) == [5]
    model.select_by_index(1)
    assert find_shown(browser) == []
    assert "0" in read_status(browser)


def test_gallery_shows_each_image_from_its_place_in_the_sprite(
    browser: webdriver.Chrome, page: Path
) -> None:
    open_page(browser, page)
    for number in (0, 5):
        image = browser.find_elements(By.CSS_SELECTOR, ".gallery svg")[number]
        pixels = imread(io.BytesIO(image.screenshot_as_png))
        middle = np.round(pixels[40, 40, :3] * 255)
        assert middle.tolist() == [10 * number, 0, 0]


def test_gallery_without_script_shows_the_first_images(
    browser: webdriver.Chrome, page: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, page)
        assert find_shown(browser) == list(range(N_OPEN))
        assert not browser.find_elements(By.CSS_SELECTOR, "button, select, .hint")
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
