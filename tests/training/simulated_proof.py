"""A benchmark's outcome out of thin air, for tests of what shows it."""

from __future__ import annotations

import math

import numpy as np

from training.benchmarks.proof import Proof


def simulated(name: str = "simulated", **changed) -> Proof:
    """Two targets, one of them missed; baselines, published figures and two curves."""
    made = {
        "name": name,
        "protocol": "Nothing was measured.",
        "n_train": {"few": 400, "many": 1404},
        "n_test": 12_633,
        "seeds": (0, 1, 2),
        "metrics": {
            "apgr": np.float64(0.66),
            "cpt50": 31.0,
            "at_400": {"apgr": 0.62, "regret": math.nan},
        },
        "intervals": {"apgr": (0.64, 0.68), "cpt50": (29.5, 32.5)},
        "baselines": {"knn": {"apgr": 0.61, "cpt50": 35.0}, "length": {"apgr": 0.58}},
        "published": {"SW ranking": {"apgr": 0.603, "cpt50": 35.4}, "random": {"apgr": 0.5}},
        "targets": {"apgr": {"reach": 0.65, "better": "higher"}, "cpt50": {"reach": 30, "better": "lower"}},
        "differs": ("Theirs saw Arena data.",),
        "curves": {
            "ours": [[0, 0], [0.5, 0.7], [1, 1]],
            "length": [[0, 0], [0.5, 0.55], [1, 1]],
            "random mix": [[0, 0], [1, 1]],
        },
        "quick": False,
        "seconds": 61.2345,
        "peak_mib": 512.04,
    }
    return Proof(**(made | changed))
