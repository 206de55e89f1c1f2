"""The page in Debian's Chromium: nothing amiss, nothing asked for, nothing sticks out.

It fails where Chromium is missing: a page that nobody has opened is not known to work.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from reports import page
from tests import synthetic

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The grid with two seeds, and a rendered study whose names are attacks."""
    folder = tmp_path_factory.mktemp("browser")
    matrices = synthetic.published_matrices(2)
    grid = synthetic.build(folder / "grid", matrices, failed={("cnn-config-2", 1): EVIL})
    evil = synthetic.build(
        folder / "evil",
        {EVIL: matrices["cnn-config-1"], "a-very-long-name-" * 8: matrices["cnn-config-2"]},
        kind="rendered",
        class_names=(EVIL, *synthetic.CLASS_NAMES[1:]),
    )
    return {"grid": page.write_report(grid), "evil": page.write_report(evil)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def visit(browser: webdriver.Chrome, index: Path, width: int) -> list[str]:
    """Open a page in a window of `width` pixels; the addresses that were asked for."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get("about:blank")
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get(index.as_uri())
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    return [
        str(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("study", ["grid", "evil"])
def test_the_page_opens_cleanly(
    browser: webdriver.Chrome, reports: dict[str, Path], study: str, width: int
) -> None:
    requests = visit(browser, reports[study], width)
    outside = [url for url in requests if not url.startswith("data:")]
    assert outside == [reports[study].as_uri()]
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    inner, scrolled = browser.execute_script(
        "return [window.innerWidth, document.documentElement.scrollWidth]"
    )
    assert scrolled <= inner == width


def test_images_are_decoded_and_tables_filled(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    visit(browser, reports["grid"], 1280)
    widths = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
    assert len(widths) == 8
    assert min(widths) > 0
    rows = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('table')]"
        ".map(t => [t.id, t.tBodies[0].rows.length]))"
    )
    assert rows["table-comparison"] == 8
    assert rows["table-per-class-cnn"] == 32
    assert rows["table-unfinished"] == 1
    assert len(rows) == 10


def test_the_comparison_fits_a_desktop_and_scrolls_in_its_box_on_a_phone(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    script = (
        "const box = document.querySelector('#table-comparison').parentElement;"
        "return [box.clientWidth, box.scrollWidth]"
    )
    visit(browser, reports["grid"], 1280)
    client, scroll = browser.execute_script(script)
    assert scroll <= client
    visit(browser, reports["grid"], 390)
    client, scroll = browser.execute_script(script)
    assert client <= 390 < scroll
    overflow = "return getComputedStyle(document.querySelector('.scroll')).overflowX"
    assert browser.execute_script(overflow) == "auto"


def test_the_style_is_applied_under_the_policy(
    browser: webdriver.Chrome, reports: dict[str, Path]
) -> None:
    visit(browser, reports["evil"], 1280)
    style = "return getComputedStyle(document.querySelector('.data.mark')).fontWeight"
    assert browser.execute_script(style) == "700"
    assert browser.execute_script("return document.scripts.length") == 0
    assert EVIL in browser.execute_script("return document.body.innerText")
