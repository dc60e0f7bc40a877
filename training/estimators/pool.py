"""Several models' logits as one."""

from __future__ import annotations

from router.features import Floats


def pooled(logits: Floats) -> Floats:
    """The mean of each row of ``logits`` (n, m): the logarithmic opinion pool (Genest and Zidek 1986)."""
    out: Floats = logits.mean(axis=1)
    return out
