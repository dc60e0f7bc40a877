"""Chances of every model after the answers of any set of models, from few labels: light to trust, heavy to learn.

With some 300 labels a head per set and model cannot choose its own penalties, so columns have fixed ones by what they
are. An answer's own log-probability is nearly free; what other answers say of it is shrunk; how the answer is written,
and more so the prompt, must earn their weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from router.estimators import sigmoid
from router.features import Floats
from router.signals import NAMES, logprobs, surface
from training.answers import Answers
from training.estimators.newton import Logistic
from training.heads import Bools, Ints

OWN, EARLIER, AGREEING, WRITTEN, FOLLOWED, ASKED = 0.3, 10.0, 10.0, 50.0, 200.0, 400.0
"""L2 penalties on standardised columns: the answer's own log-probability, those of earlier answers, the words that it
shares with each of them, what can be seen of it, what following its sums and wording says, the prompt. Chosen by
cross-validated log-loss inside training rows."""

DIFFERENT = 5
"""Rows that must differ from a column's median: a column that hardly varies would be scaled up to noise."""

_SURE = NAMES.index("logit_mean")
_SURFACE = slice(len(logprobs.SIGNALS), len(logprobs.SIGNALS) + len(surface.SIGNALS))
_DEEPER = slice(_SURFACE.stop, len(NAMES))


@dataclass(frozen=True)
class SetChances:
    """Chances (n, K) of every model per set of models that have answered, a bit mask: ``train`` out of fold by
    ``fold`` (n,), ``test`` by heads fitted on all training rows.
    """

    train: Mapping[int, Floats]
    test: Mapping[int, Floats]
    fold: Ints


def set_chances(train: Answers, test: Answers, quality: Floats, *, fold: Ints) -> SetChances:
    """Fit a head per set of models, none included, and model; ``quality`` (n, K) in [0, 1] are the training labels."""
    models = quality.shape[1]
    seen: dict[int, Floats] = {}
    asked: dict[int, Floats] = {}
    for run in runs(models):
        mask = sum(1 << rank for rank in run)
        rows, penalty = columns(train, run)
        others, _ = columns(test, run)
        used = _varied(rows)
        rows, others, penalty = rows[:, used], others[:, used], penalty[used]
        seen[mask], asked[mask] = np.empty_like(quality), np.empty((len(others), models))
        for rank, label in enumerate(quality.T):
            asked[mask][:, rank] = _head(rows, label, penalty, others)
            for number in np.unique(fold):
                out = fold == number
                seen[mask][out, rank] = _head(rows[~out], label[~out], penalty, rows[out])
    return SetChances(seen, asked, fold)


def runs(models: int) -> list[tuple[int, ...]]:
    """Every set of models, the empty one first."""
    return [run for size in range(models + 1) for run in combinations(range(models), size)]


def columns(answers: Answers, run: Sequence[int]) -> tuple[Floats, Floats]:
    """What is read after the answers of ``run``, (n, D), and each column's penalty, (D,)."""
    groups: list[tuple[Floats, float]] = [(answers.hand, ASKED)]
    if run:
        *earlier, last = run
        groups.append((answers.signals[last][:, [_SURE]], OWN))
        groups.append((np.nan_to_num(answers.signals[last][:, _SURFACE]), WRITTEN))
        groups.append((np.nan_to_num(answers.signals[last][:, _DEEPER]), FOLLOWED))
        for rank in earlier:
            groups.append((answers.signals[rank][:, [_SURE]], EARLIER))
            groups.append((answers.agreements[rank, last][:, [1]], AGREEING))
    penalty = np.concatenate([np.full(block.shape[1], size) for block, size in groups])
    return np.column_stack([block for block, _ in groups]), penalty


def _head(rows: Floats, label: Floats, penalty: Floats, at: Floats) -> Floats:
    """Chances at the rows ``at``; the base rate with one pseudo-count of each class where there is one class only.

    A number beyond all that was seen counts as the nearest one that was: few rows say nothing of what lies outside.
    """
    if label.min() == label.max():
        return np.full(len(at), (label.sum() + 1) / (len(label) + 2))
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    design = np.column_stack([(rows - mean) / scale, np.ones(len(rows))])
    solver = Logistic(design, target=label, weight=np.ones(len(rows)))
    theta = solver.solve(np.append(penalty, 1e-6), tolerance=1e-6)
    within = np.clip(at, rows.min(axis=0), rows.max(axis=0))
    return sigmoid((within - mean) / scale @ theta[:-1] + theta[-1])


def _varied(rows: Floats) -> Bools:
    return np.asarray((rows != np.median(rows, axis=0)).sum(axis=0) >= DIFFERENT)
