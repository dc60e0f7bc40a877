"""The report in a real browser: that dark is dark, that light is light, and that it fits a telephone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import escape

import pytest
from PIL import Image

from tests.training.simulated_evaluation import context, evaluation
from training.report import render

pytestmark = pytest.mark.browser

DARK, LIGHT = 0, 1
"""What Blink calls the two schemes."""


@pytest.fixture(scope="module")
def chromium():
    """The program; where it is not there, the test is skipped, or with CI=true fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "needs Chromium; `apt-get install chromium` brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The report of a simulated evaluation."""
    return render(json.loads(json.dumps(evaluation())), context=context(), out=tmp_path_factory.mktemp("report"))


def browse(chromium, home, address, *options):
    """What the browser prints of ``address``."""
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    command += ["--no-first-run", f"--user-data-dir={home / 'profile'}", *options, address.as_uri()]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout


def shot(chromium, home, address, *, scheme, size):
    """A picture of ``address`` as the browser shows it."""
    picture = home / f"{address.stem}-{scheme}-{size[0]}.png"
    options = [f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={size[0]},{size[1]}"]
    browse(chromium, home, address, *options, f"--screenshot={picture}")
    return Image.open(picture).convert("RGB")


def brightness(picture):
    """From 0, black, to 255, white, at the middle of all pixels: the paper's."""
    pixels = sorted(picture.convert("L").resize((160, 160), Image.Resampling.NEAREST).tobytes())
    return pixels[len(pixels) // 2]


def near(picture, colour, *, within=6):
    """How many pixels have about this colour."""
    bands = zip(*(band.tobytes() for band in picture.split()), strict=True)
    return sum(all(abs(seen - meant) <= within for seen, meant in zip(pixel, colour, strict=True)) for pixel in bands)


@pytest.mark.parametrize(
    ("scheme", "paper", "accent", "warn"),
    [
        (LIGHT, range(245, 256), (0x1B, 0x5E, 0x9E), (0xA8, 0x48, 0x0A)),
        (DARK, range(35), (0x79, 0xB4, 0xEE), (0xF0, 0xA3, 0x5E)),
    ],
    ids=["light", "dark"],
)
def test_the_page_is_light_or_dark_as_the_reader_prefers(chromium, written, tmp_path, scheme, paper, accent, warn):
    """Paper, plots and banner have the colours of the reader's scheme."""
    picture = shot(chromium, tmp_path, written.html, scheme=scheme, size=(1280, 1400))

    assert brightness(picture) in paper
    assert near(picture, accent) > 200
    assert near(picture.crop((0, 0, 1280, 30)), warn) > 10_000


def test_a_plot_by_itself_follows_the_reader_too(chromium, written, tmp_path):
    """In an artifact viewer there is no page around it."""
    found = [
        brightness(shot(chromium, tmp_path, written.plots[0], scheme=scheme, size=(860, 470)))
        for scheme in (LIGHT, DARK)
    ]

    assert found[0] > 244
    assert found[1] < 35


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_never_wider_than_the_screen(chromium, written, tmp_path, width):
    """Nothing but a table's own box scrolls sideways."""
    asking = "<script>parent.document.title = [innerWidth, document.documentElement.scrollWidth].join(' ')</script>"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", written.html.read_text(encoding="utf-8"))
    inside = escape(text.replace("</body>", f"{asking}</body>"), quote=True)
    page = tmp_path / "measured.html"
    # A frame, because the browser makes no window of its own narrower than 500.
    frame = f'<iframe width="{width}" height="900" style="border: 0" srcdoc="{inside}"></iframe>'
    page.write_text(f"<!DOCTYPE html><meta charset='utf-8'><title></title>{frame}", encoding="utf-8")

    dom = browse(chromium, tmp_path, page, "--window-size=1400,900", "--dump-dom")

    assert re.search(r"<title>([^<]*)</title>", dom).group(1) == f"{width} {width}"
