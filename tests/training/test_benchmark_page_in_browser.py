"""A benchmark's plot in a real browser: light where the reader's screen is light, dark where it is dark."""

from __future__ import annotations

import pytest

from tests.training.simulated_proof import simulated
from tests.training.test_report_in_browser import DARK, LIGHT, brightness, chromium, near, shot
from training.benchmarks.page_plot import HEIGHT, WIDTH, plot

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("scheme", "paper", "accent"),
    [(LIGHT, range(245, 256), (0x1B, 0x5E, 0x9E)), (DARK, range(35), (0x79, 0xB4, 0xEE))],
    ids=["light", "dark"],
)
def test_a_plot_follows_the_reader(chromium, tmp_path, scheme, paper, accent):
    """Paper and our curve have the colours of the reader's scheme."""
    path = tmp_path / "plot.svg"
    path.write_text(plot(simulated("routellm-mmlu")), encoding="utf-8")
    picture = shot(chromium, tmp_path, path, scheme=scheme, size=(WIDTH, HEIGHT))

    assert brightness(picture) in paper
    assert near(picture, accent) > 200
