"""The page of costs in a real browser: dark is dark, light is light, and it fits a telephone."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest

from router.analytics import Costs
from router.analytics.summary import summary
from router.ledger import Ledger
from router.report.costs import page
from tests.test_analytics_report import fill
from tests.training.test_report_in_browser import DARK, LIGHT, brightness, browse, chromium, near, shot

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The page of a simulated ledger."""
    with Ledger(tmp_path / "ledger.db") as ledger:
        fill(ledger)
        path = tmp_path / "costs.html"
        path.write_text(page(summary(Costs(ledger)), simulated=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("scheme", "paper", "accent"),
    [(LIGHT, range(245, 256), (0x1B, 0x5E, 0x9E)), (DARK, range(35), (0x79, 0xB4, 0xEE))],
    ids=["light", "dark"],
)
def test_the_page_is_light_or_dark_as_the_reader_prefers(chromium, written, tmp_path, scheme, paper, accent):
    picture = shot(chromium, tmp_path, written, scheme=scheme, size=(1280, 1400))
    assert brightness(picture) in paper
    assert near(picture, accent) > 2_000


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_never_wider_than_the_screen(chromium, written, tmp_path, width):
    asking = "<script>parent.document.title = [innerWidth, document.documentElement.scrollWidth].join(' ')</script>"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", written.read_text(encoding="utf-8"))
    inside = escape(text.replace("</body>", f"{asking}</body>"), quote=True)
    measured = tmp_path / "measured.html"
    frame = f'<iframe width="{width}" height="900" style="border: 0" srcdoc="{inside}"></iframe>'
    measured.write_text(f"<!DOCTYPE html><meta charset='utf-8'><title></title>{frame}", encoding="utf-8")
    dom = browse(chromium, tmp_path, measured, "--window-size=1400,900", "--dump-dom")
    found = re.search(r"<title>([^<]*)</title>", dom)
    assert found is not None
    assert found.group(1) == f"{width} {width}"
