"""What the scorer is fitted on when a fold is held out has not seen that fold's labels."""

from __future__ import annotations

import numpy as np

from training.heads import fit_head, folds_of
from training.prompt_fit import _nested

N = 120
RNG = np.random.default_rng(5)
MATRIX = RNG.normal(size=(N, 8))
QUALITY = (RNG.random((N, 2)) < 0.5).astype(float)
FOLD = folds_of([f"key {row}" for row in range(N)])
WEIGHT = np.ones((N, 2))


def nested(quality):
    heads = [
        fit_head(MATRIX, labels, weight=weight, fold=FOLD, penalties=(1.0,))
        for labels, weight in zip(quality.T, WEIGHT.T, strict=True)
    ]
    return _nested(MATRIX, quality, WEIGHT, FOLD, heads)


def test_no_estimate_for_holding_out_a_fold_depends_on_its_labels():
    """Every label of fold 0 is turned round, and what is read for holding out fold 0 stays as it was."""
    turned = np.where((FOLD == 0)[:, None], 1 - QUALITY, QUALITY)

    before, after = nested(QUALITY), nested(turned)

    assert np.allclose(before[0], after[0], atol=1e-9)
    assert not np.allclose(before[1], after[1], atol=1e-3)
