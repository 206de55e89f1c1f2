"""No rule of axe-core of serious or critical impact is broken."""

from pathlib import Path

import pytest
from selenium import webdriver

from reports.page.live_page import render_live_page
from tests.browser.visit import find_violations, open_page
from tests.helpers.page_contents import LIVE_PAGE

SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "color_scheme"), SCREENS)
def test_page_with_everything_open_has_no_serious_violation(
    browser: webdriver.Chrome, made: Path, width: int, color_scheme: str
) -> None:
    open_page(browser, made, width, color_scheme=color_scheme)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert find_violations(browser) == []


@pytest.mark.parametrize(("width", "color_scheme"), SCREENS)
def test_live_page_has_no_serious_violation(
    browser: webdriver.Chrome, tmp_path: Path, width: int, color_scheme: str
) -> None:
    path = tmp_path / "live.html"
    path.write_text(render_live_page(LIVE_PAGE), encoding="utf-8")
    open_page(browser, path, width, color_scheme=color_scheme)
    assert find_violations(browser) == []
