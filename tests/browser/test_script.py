"""What the page's script adds; that the page is whole without it; that no other script runs."""

from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.visit import open_page
from tests.helpers import page_contents

BLANK = "cnn-config-1"  # the row of `numbers` that holds dashes
ORIGINAL = ["cnn-config-10", "cnn-config-2", "mlnn-config-1", BLANK]
DARK, LIGHT = "rgb(20, 24, 30)", "rgb(255, 255, 255)"


def names(browser: webdriver.Chrome, table: str) -> list[str]:
    """The heads of the rows, as they stand, hidden or not."""
    rows = browser.find_elements(By.CSS_SELECTOR, f"#table-{table} tbody th")
    return [str(row.get_attribute("textContent")) for row in rows]


def buttons(browser: webdriver.Chrome, table: str) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, f"#table-{table} thead th button")


def orders(browser: webdriver.Chrome, table: str) -> list[str | None]:
    heads = browser.find_elements(By.CSS_SELECTOR, f"#table-{table} thead th")
    return [head.get_attribute("aria-sort") for head in heads]


@pytest.mark.parametrize(
    ("column", "best_first"),
    [
        (1, ["cnn-config-10", "mlnn-config-1", "cnn-config-2"]),  # 90.00 ± 0.20 … 9.95 ± 0.10
        (2, ["mlnn-config-1", "cnn-config-10", "cnn-config-2"]),  # [100.00, … [92.88, … [5.00, …
        (3, ["cnn-config-2", "mlnn-config-1", "cnn-config-10"]),  # +6.10, 0.00, -1.20
        (4, ["cnn-config-10", "mlnn-config-1", "cnn-config-2"]),  # < 0.0001, 0.0001, 0.0312
        (5, ["mlnn-config-1", "cnn-config-10", "cnn-config-2"]),  # 4,179,568, 1,200, 35
    ],
)
def test_script_sorts_numbers_by_value_and_dashes_last(
    browser: webdriver.Chrome, made: Path, column: int, best_first: list[str]
) -> None:
    open_page(browser, made)
    button = buttons(browser, "numbers")[column]
    sorts = ("ascending", "descending") if column == 4 else ("descending", "ascending")
    for expected, order in (
        ([*best_first, BLANK], sorts[0]),
        ([*reversed(best_first), BLANK], sorts[1]),
        (ORIGINAL, None),
    ):
        button.click()
        assert names(browser, "numbers") == expected
        assert orders(browser, "numbers") == [order if i == column else None for i in range(6)]


def test_script_sorts_by_numbers_in_words_and_on_enter(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made)
    buttons(browser, "numbers")[5].click()
    button = buttons(browser, "numbers")[0]
    button.send_keys(Keys.ENTER)
    expected = [BLANK, "cnn-config-2", "cnn-config-10", "mlnn-config-1"]
    assert names(browser, "numbers") == expected
    assert orders(browser, "numbers") == ["ascending", *[None] * 5]
    button.send_keys(Keys.SPACE)
    assert names(browser, "numbers") == expected[::-1]


def test_script_sort_arrow_does_not_move_the_layout(browser: webdriver.Chrome, made: Path) -> None:
    open_page(browser, made)
    edges = (
        "return [...document.querySelectorAll('#table-numbers th')]"
        ".map(th => { const r = th.getBoundingClientRect(); return [r.left, r.width, r.height]; })"
    )
    shown = "return getComputedStyle(arguments[0], '::after').content"
    before, button = (
        browser.execute_script(edges),
        buttons(browser, "numbers")[0],
    )  # as wide as its head
    faint = browser.execute_script(shown, button)
    button.click()
    assert browser.execute_script(edges) == before
    assert browser.execute_script(shown, button) not in {faint, "none"}


def test_script_sorted_table_has_the_group_name_in_each_row(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made)
    groups = ["cnn-config-2", "cnn-config-2", "cnn-config-10", "cnn-config-10"]
    assert names(browser, "groups") == groups
    again = browser.find_elements(By.CSS_SELECTOR, "#table-groups .again")
    assert [element.size["width"] for element in again] == [1, 1]
    button = buttons(browser, "groups")[2]
    button.click()
    by_f1 = ["cnn-config-2", "cnn-config-10", "cnn-config-10", "cnn-config-2"]
    assert names(browser, "groups") == by_f1
    assert min(element.size["width"] for element in again) > 50
    button.click()
    button.click()
    assert names(browser, "groups") == groups
    assert [element.size["width"] for element in again] == [1, 1]


COPIED_MODELS = "Model\tF1 (%)\nbest\t90.00\nworse\t50.00"


@pytest.mark.parametrize("has_permission", [True, False])
def test_script_copies_the_visible_rows_and_says_so(
    browser: webdriver.Chrome, made: Path, has_permission: bool
) -> None:
    open_page(browser, made)
    browser.execute_script(
        "const [allowed] = arguments;"
        "navigator.clipboard.writeText = async (text) => {"
        "  if (!allowed) throw new DOMException('', 'NotAllowedError');"
        "  window.copied = text;"
        "};"
        "document.addEventListener('copy', () => (window.copied = document.activeElement.value));",
        has_permission,
    )
    caption = browser.find_element(By.CSS_SELECTOR, "#table-models caption")
    caption.find_element(By.CSS_SELECTOR, ".copy").click()
    status = caption.find_element(By.CSS_SELECTOR, "[role=status]")
    WebDriverWait(browser, 10).until(lambda _: status.text)
    assert browser.execute_script("return window.copied") == COPIED_MODELS
    assert not status.find_elements(By.CSS_SELECTOR, "textarea")


def test_script_that_cannot_copy_shows_the_text_selected(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made)
    browser.execute_script(
        "navigator.clipboard.writeText = () => Promise.reject(new Error());"
        "document.execCommand = () => false;"
    )
    browser.find_element(By.CSS_SELECTOR, "#models .switch input").click()
    browser.find_element(By.CSS_SELECTOR, "#table-models .copy").click()
    field = WebDriverWait(browser, 10).until(
        lambda _: browser.find_element(By.CSS_SELECTOR, "#table-models textarea")
    )
    text = browser.execute_script(
        "const field = arguments[0];"
        "return field.value.slice(field.selectionStart, field.selectionEnd)",
        field,
    )
    assert text == COPIED_MODELS.replace("\nworse", "\ncopy\t90.00\nworse")


def test_script_shows_the_chosen_heat_map_only(browser: webdriver.Chrome, made: Path) -> None:
    open_page(browser, made)
    grids = browser.find_elements(By.CSS_SELECTOR, "#pairwise table.grid")
    assert [grid.is_displayed() for grid in grids] == [True, False, False, False, False]
    select = Select(browser.find_element(By.CSS_SELECTOR, ".grids select"))
    titles = [option.text for option in select.options]
    assert titles == ["Accuracy", "Macro F1", page_contents.INJECTED_HTML, "AUC", "MCC"]
    select.select_by_visible_text("AUC")
    assert [grid.is_displayed() for grid in grids] == [False, False, False, True, False]
    assert grids[3].text.startswith("AUC. ")
    summaries = browser.find_elements(By.CSS_SELECTOR, ".grids summary")
    assert not [summary for summary in summaries if summary.is_displayed()]


@pytest.mark.parametrize("system", ["light", "dark"])
def test_script_colors_follow_the_system_until_the_button_is_pressed(
    browser: webdriver.Chrome, made: Path, system: str
) -> None:
    open_page(browser, made, color_scheme=system)
    own = DARK if system == "dark" else LIGHT
    script = "return getComputedStyle(document.body).backgroundColor"
    button = browser.find_element(By.CSS_SELECTOR, ".scheme")
    seen = []
    for _ in range(4):
        seen.append((button.text, browser.execute_script(script)))
        button.click()
    auto = ("Colors: auto", own)
    assert seen == [auto, ("Colors: light", LIGHT), ("Colors: dark", DARK), auto]


def test_page_without_script_is_complete(browser: webdriver.Chrome, made: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(browser, made)
        assert not browser.find_elements(By.CSS_SELECTOR, "button, select")
        rows = browser.find_elements(By.CSS_SELECTOR, "table.sheet tbody tr")
        assert len(rows) == 9 + 4 + 4 + 3
        hidden_rows = [row for row in rows if not row.is_displayed()]
        assert [row.get_attribute("class") for row in hidden_rows] == ["hidden"]
        browser.find_element(By.CSS_SELECTOR, ".switch input").click()
        assert hidden_rows[0].is_displayed()
        grids = browser.find_elements(By.CSS_SELECTOR, "#pairwise table.grid")
        assert [grid.is_displayed() for grid in grids] == [True, False, False, False, False]
        browser.find_elements(By.CSS_SELECTOR, ".grids summary")[0].click()
        assert grids[1].is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_page_runs_no_other_script(browser: webdriver.Chrome, made: Path) -> None:
    open_page(browser, made)
    ran = browser.execute_script(
        "const script = document.createElement('script');"
        "script.textContent = 'window.ran = true';"
        "document.body.append(script);"
        "document.body.insertAdjacentHTML("
        "'beforeend', '<img src=x onerror=\"window.ran = true\">');"
        "return window.ran ?? null"
    )
    assert ran is None
    browser.execute_async_script("setTimeout(arguments[0], 50)")
    assert browser.execute_script("return window.ran ?? null") is None
    log = " ".join(str(entry["message"]) for entry in browser.get_log("browser"))  # type: ignore[no-untyped-call]
    assert "Executing inline script violates" in log
