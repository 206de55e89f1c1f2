"""Open a page in a window of a given size, as a reader with given preferences would."""

import json
from importlib.resources import files
from pathlib import Path

from selenium import webdriver


def open_page(
    browser: webdriver.Chrome,
    index_path: Path,
    width: int = 1280,
    *,
    color_scheme: str = "light",
    media: str = "",
) -> list[str]:
    """Open a page; the addresses that were asked for.

    Args:
        browser: logs are emptied before.
        index_path: the page.
        width: of the window, in pixels; below 500 it is a phone's.
        color_scheme: that the system prefers, `light` or `dark`.
        media: `print`, or empty for the screen.
    """
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    preference = {"name": "prefers-color-scheme", "value": color_scheme}
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": media, "features": [preference]}
    )
    browser.get("about:blank")
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get(index_path.as_uri())
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    return [
        str(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def find_violations(browser: webdriver.Chrome, selector: str = "html") -> list[str]:
    """Return the rules of axe-core that the open page breaks, and the first element of each.

    Args:
        browser: Browser with an open page.
        selector: CSS selector of the parts that are tested.

    Returns:
        Violations of serious or critical impact.
    """
    # A package for Playwright, of which only the file of axe-core is used.
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    browser.execute_script(axe)
    browser.set_script_timeout(200)
    violations = browser.execute_async_script(
        "const [selector, done] = arguments;"
        "axe.run({ include: [[selector]] }, { resultTypes: ['violations'] })"
        ".then((result) => done(result.violations))",
        selector,
    )
    return [
        f"{violation['id']}: {violation['nodes'][0]['html']}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
    ]
