"""The benchmarks' own arithmetic, on simulated rows; the public data is not needed."""

from __future__ import annotations

import numpy as np

from router.features import HAND
from router.signals import NAMES
from training.benchmarks import calibration, new_tier
from training.benchmarks.result import benchmark_result


def test_an_overconfident_log_probability_comes_out_calibrated():
    """On simulated answers that are surer than they should be, every calibrator at least halves the error."""
    random = np.random.default_rng(0)
    logit = random.normal(size=1500)
    signals = random.normal(size=(1500, len(NAMES)))
    signals[:, NAMES.index("logprob_mean")] = -np.logaddexp(0, -(3 * logit + 1))
    quality = (random.random(1500) < 1 / (1 + np.exp(-logit))).astype(float)
    keys = [f"prompt-{place // 2}" for place in range(1500)]
    labelled = calibration._drawn(keys, 500, seed=1)
    found = calibration._measured(signals, np.zeros((1500, len(HAND))), quality, labelled, keys)

    assert 500 <= labelled.sum() <= 501
    assert (labelled[::2] == labelled[1::2]).all(), "a prompt's rows are on one side"
    for name in ("platt", "isotonic", "venn_abers", "chosen"):
        assert found[f"confidence_{name}"]["ece"] < found["confidence_raw"]["ece"] / 2


def test_means_and_intervals_are_over_splits():
    """Each figure is the mean of the splits', and its interval holds it."""
    splits = [{"at_15": {"rasch": {"auroc": value}}} for value in (0.6, 0.7, 0.8)]
    low, high = new_tier._interval([0.6, 0.7, 0.8])

    assert round(new_tier._mean(splits)["at_15"]["rasch"]["auroc"], 9) == 0.7
    assert 0.6 - 1e-9 < low < 0.7 < high < 0.8 + 1e-9


def test_the_protocols_say_what_was_measured():
    """A result carries its protocol and seeds, so that anybody can repeat it."""
    result = benchmark_result(
        "calibration", protocol=calibration.PROTOCOL, seeds=range(2), metrics={}, intervals={}, started=0.0
    )

    assert result.as_dict()["seeds"] == [0, 1]
    assert "300, 1,000 or 3,000" in result.as_dict()["protocol"]
