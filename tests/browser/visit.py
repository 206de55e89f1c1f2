"""Open a page in a window of a given size, as a reader with given preferences would."""

import json
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
