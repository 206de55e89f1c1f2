"""The parts of the page that are not tables or figures: where they stand and how they look."""

import re
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser.visit import open_page

SIGNS = {
    "supported": "✓",
    "compatible": "✓",
    "contradicted": "✗",
    "incompatible": "✗",
    "inconclusive": "?",
    "uninformative": "?",
    "not-comparable": "\N{EN DASH}",
}


def contrast(one: str, other: str) -> float:
    """Contrast of two colors written `rgb(r, g, b)`, 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    if color.startswith("color(srgb"):
        shares = [float(x) for x in re.findall(r"[\d.]+", color)[:3]]
    else:
        shares = [int(x) / 255 for x in re.findall(r"\d+", color)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        (("rgb(0, 0, 0)", "rgb(255, 255, 255)"), 21),
        (("rgb(119, 119, 119)", "color(srgb 1 1 1)"), 4.48),
    ],
)
def test_page_colors_have_enough_contrast(colors: tuple[str, str], expected: float) -> None:
    assert contrast(*colors) == pytest.approx(expected, abs=0.005)


def test_page_order_is_missing_parts_then_verdict_then_contents(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made)
    parts = browser.find_elements(
        By.CSS_SELECTOR, "h1, .data, .banner, #summary, nav, section:not(#summary)"
    )
    found = [p.get_attribute("id") or p.get_attribute("class") or p.tag_name for p in parts]
    assert found[:6] == ["h1", "data", "banner", "summary", "nav", "attack"]
    heights = [part.location["y"] for part in parts]
    assert heights == sorted(heights)
    links = [a.get_attribute("hash") for a in browser.find_elements(By.CSS_SELECTOR, "nav li a")]
    assert links == [f"#{key}" for key in found[5:]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_verdict_has_a_sign_and_enough_contrast(
    browser: webdriver.Chrome, made: Path, scheme: str
) -> None:
    open_page(browser, made, color_scheme=scheme)
    found = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('.verdict')].map(v =>"
        " [v.classList[1], [getComputedStyle(v, '::before').content, getComputedStyle(v).color]]))"
    )
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    for word, sign in SIGNS.items():
        content, color = found[word]
        assert content == f'"{sign}"'
        assert contrast(color, ground) >= 4.5, word
    assert found["supported"][1] != found["contradicted"][1] != found["inconclusive"][1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_heat_map_cells_differ_by_shade_with_enough_contrast(
    browser: webdriver.Chrome, made: Path, scheme: str
) -> None:
    open_page(browser, made, color_scheme=scheme)
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    cells = browser.execute_script(
        "return [...document.querySelectorAll('#grid-pairwise-1 tbody td')].map(td =>"
        " [td.textContent, getComputedStyle(td).color, getComputedStyle(td).backgroundColor])"
    )
    shades = {text: (ink, own) for text, ink, own in cells}
    for text, (ink, own) in shades.items():
        bare = abs(float(text)) <= 1
        assert bare == (own == "rgba(0, 0, 0, 0)"), text
        assert contrast(ink, ground if bare else own) >= 4.5, text
    away = [contrast(shades[f"{sign}{n}.00"][1], ground) for sign in "+-" for n in (2, 3, 4, 5)]
    assert away == [*sorted(away[:4]), *sorted(away[4:])]
    assert shades["+1.00"][0] != shades["+0.00"][0]


@pytest.mark.parametrize("width", [390, 1280])
def test_page_thumbnails_are_enlarged_threefold_and_fit(
    browser: webdriver.Chrome, made: Path, width: int
) -> None:
    open_page(browser, made, width)
    images = browser.execute_script(
        "return [...document.querySelectorAll('.gallery svg')].map(i =>"
        " [i.viewBox.baseVal.width, i.clientWidth, i.clientHeight])"
    )
    assert images == [[28, 84, 84]] * 14
    rendering = "return getComputedStyle(document.querySelector('#sprite')).imageRendering"
    assert browser.execute_script(rendering) == "pixelated"
    items = browser.find_elements(By.CSS_SELECTOR, ".gallery li")
    assert max(item.rect["x"] + item.rect["width"] for item in items) <= width


def test_page_on_a_phone_shows_tables_of_sentences_without_scrolling(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made, 390)
    box = browser.find_element(By.CSS_SELECTOR, "#table-claims").find_element(By.XPATH, "..")
    client, scroll = browser.execute_script(
        "return [arguments[0].clientWidth, arguments[0].scrollWidth]", box
    )
    assert scroll <= client
    cells = browser.find_elements(By.CSS_SELECTOR, "#table-claims tbody tr:first-child > *")
    assert len({cell.location["x"] for cell in cells}) == 1  # one below the other
    first = browser.find_element(By.CSS_SELECTOR, "#table-claims td")
    head = browser.execute_script(
        "return getComputedStyle(arguments[0], '::before').content", first
    )
    assert head == '"Verdict: "'


def test_page_in_print_has_the_banner_and_no_controls(
    browser: webdriver.Chrome, made: Path
) -> None:
    open_page(browser, made, 688, color_scheme="dark", media="print")
    shown = {
        selector: [e.is_displayed() for e in browser.find_elements(By.CSS_SELECTOR, selector)]
        for selector in (
            "nav",
            ".scheme",
            "select",
            ".files",
            ".copy",
            ".banner",
            "#more-0",
            "#claims",
            "table.grid",
        )
    }
    assert shown[".banner"] == shown["#claims"] == [True]
    assert shown["#more-0"] == [False]  # nothing but a heading
    # A few heat maps are all printed; of many, the chosen one.
    assert shown["table.grid"] == [True, False, False, False, False, True, True]
    assert not any(any(shown[key]) for key in ("nav", ".scheme", "select", ".files", ".copy"))
    assert browser.execute_script("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
