"""The page of a running study."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from reports.page.live_page import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    render_live_page,
    require_live_page,
)
from tests.helpers.page_contents import LIVE_PAGE, LIVE_TRIAL


def test_render_live_page_policy_allows_its_style_and_its_script_only() -> None:
    html = render_live_page(LIVE_PAGE)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', html)
    assert policy is not None
    allowed = dict(part.split(" ", 1) for part in policy[1].split("; "))
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
    assert allowed["default-src"] == "'none'"
    assert not re.search(r'(src|href)="(?!data:,|#)', html)


def test_render_live_page_bar_counts_the_epochs_of_running_trials() -> None:
    assert 'max="4" value="1.150"' in render_live_page(LIVE_PAGE)


def test_render_live_page_texts_are_escaped() -> None:
    attack = "<script>alert(1)</script>"
    trial = replace(LIVE_TRIAL, name=attack, settings=attack)
    page = replace(LIVE_PAGE, name=attack, activity=attack, failures=[attack], trials=[trial])
    assert attack not in render_live_page(page)


def test_render_live_page_curve_stays_in_its_frame_and_shows_higher_values_higher() -> None:
    (points,) = re.findall(r'points="(.*?)"', render_live_page(LIVE_PAGE))
    xy = [tuple(map(float, point.split(","))) for point in points.split()]
    assert all(0 <= x <= CURVE_WIDTH and 0 <= y <= CURVE_HEIGHT for x, y in xy)
    assert [x for x, _ in xy] == sorted(x for x, _ in xy)
    assert xy[1][1] < xy[2][1] < xy[0][1]


def test_render_live_page_last_page_is_not_refreshed_and_links_the_report() -> None:
    live = render_live_page(LIVE_PAGE)
    last = render_live_page(replace(LIVE_PAGE, refresh_s=None, report="report/index.html"))
    assert 'http-equiv="refresh" content="3"' in live
    assert 'http-equiv="refresh"' not in last
    assert 'data-refresh="0"' in last
    assert 'href="report/index.html"' in last


def test_require_live_page_accepts_its_own_page(tmp_path: Path) -> None:
    page = tmp_path / "live.html"
    require_live_page(page)
    assert not page.exists()
    content = render_live_page(LIVE_PAGE)
    page.write_text(content, encoding="utf-8")
    require_live_page(page)
    assert page.read_text(encoding="utf-8") == content
