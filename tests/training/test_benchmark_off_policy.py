"""The off-policy benchmark's designs, on simulated confidences."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from router.errors import InputError
from training.benchmarks.off_policy import LEAST, LOGGED, MOST, UNIFORM, designs_of
from training.commands.benchmark import app


def test_every_design_spends_the_same_on_audits():
    """Near-threshold audits cost, in expectation, what uniform exploration costs, and stay within their bounds."""
    rng = np.random.default_rng(0)
    confidence, price = rng.beta(4, 2, 3000), rng.lognormal(0, 1, 3000)
    designs = designs_of(confidence, price)
    accepted = confidence >= np.quantile(confidence, LOGGED)
    for name, made in designs.items():
        assert (made.rate[~accepted] == 1).all()
        assert (made.rate * price)[accepted].sum() == pytest.approx(UNIFORM * price[accepted].sum(), rel=1e-3)
        if name != "uniform":
            assert made.rate[accepted].min() >= LEAST
            assert made.rate[accepted].max() <= MOST[name]


def test_audits_are_most_frequent_at_the_threshold():
    """The rate falls with the distance of the confidence from the threshold."""
    confidence = np.random.default_rng(1).beta(4, 2, 500)
    rate = designs_of(confidence, np.ones(500))["near_threshold"].rate[np.argsort(confidence)]
    assert (np.diff(rate) <= 1e-12).all()


def test_data_of_an_unknown_name_is_one_sentence(tmp_path):
    """The sentence names what there is."""
    with pytest.raises(InputError, match=r"there is no public data 'nothing'; there is .*zellinger-llama3"):
        CliRunner().invoke(app, ["data", "nothing", "--out", str(tmp_path)], catch_exceptions=False)
