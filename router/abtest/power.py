"""How many requests an A/B test takes, said before it begins."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from router.abtest.experiment import block
from router.abtest.sequence import BETS
from router.errors import InputError
from router.features import Floats

MOST = 10**12
"""More labels than anybody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """What it takes to see a difference in quality of ``effect`` with probability ``power``, looking at any time.

    ``labels_a`` and ``labels_b`` are labelled answers per arm, ``requests`` those of both arms when a share
    ``labelled`` of them gets a label. ``delta`` is the chance that any interval for quality or cost is ever wrong; half
    of it is quality's. ``once_a`` and ``once_b``: what a plain z-test needs that is looked at once, at that number, and
    for quality alone. Where whole users are drawn, read users for requests and labels.
    """

    baseline: float
    effect: float
    power: float
    delta: float
    share: float
    labelled: float
    labels_a: int
    labels_b: int
    requests: int
    once_a: int
    once_b: int

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)

    def sentences(self) -> tuple[str, ...]:
        """The same in words."""
        need = (
            f"To see quality go from {self.baseline:.1%} to {self.baseline + self.effect:.1%} with a probability of "
            f"{self.power:.0%}: {self.labels_a:,} labelled answers in a and {self.labels_b:,} in b, "
            f"{self.requests:,} requests in all where {self.labelled:.0%} of them get a label."
        )
        looks = (
            f"That holds while looking as often as you like, with a chance of {self.delta:.1%} at most that an "
            f"interval is ever wrong; a test that is looked at once, and never before, needs {self.once_a:,} and "
            f"{self.once_b:,}."
        )
        units = (
            "It is reckoned for labels that are 0 or 1, the widest case. Where whole users or sessions are drawn, "
            "count users or sessions."
        )
        return need, looks, units


def sample_size(
    baseline: float, *, effect: float, power: float = 0.8, delta: float = 0.05, share: float = 0.5, labelled: float = 1
) -> SampleSize:
    """Reckon with a quality of ``baseline`` in *a* and ``baseline + effect`` in *b*, which gets ``share`` of the units.

    The number is that at which one of the constant bets of :mod:`router.abtest.sequence` alone wins enough with
    probability ``power``, its logarithm taken for normal: a little more than is needed, since others win too, and an
    earlier look may have settled it.

    Raises:
        InputError: a number is outside its range.
    """
    for name, value in (("power", power), ("delta", delta), ("share", share)):
        if not 0 < value < 1:
            raise InputError(f"{name} must be between 0 and 1, not {value}")
    if not 0 < labelled <= 1:
        raise InputError(f"labelled is the share of requests that get a label, above 0 and at most 1, not {labelled}")
    if not (0 <= baseline <= 1 and 0 <= baseline + effect <= 1):
        raise InputError(
            f"baseline is a quality from 0 to 1, and so is baseline plus effect, not {baseline} and {baseline + effect}"
        )
    if not effect:
        raise InputError("effect is the difference in quality to be seen, such as 0.02, and not 0")
    sizes = block(share)
    values, chances = _differences(baseline, baseline + effect, sizes.a, sizes.b)
    if effect < 0:
        values = -values
    blocks = _blocks(values, chances, power=power, wanted=math.log(4 / delta))
    labels_a, labels_b = blocks * sizes.a, blocks * sizes.b
    normal = NormalDist()
    once = (normal.inv_cdf(1 - delta / 2) + normal.inv_cdf(power)) ** 2 * (values**2 @ chances - effect**2) / effect**2
    return SampleSize(
        baseline=baseline,
        effect=effect,
        power=power,
        delta=delta,
        share=share,
        labelled=labelled,
        labels_a=labels_a,
        labels_b=labels_b,
        requests=math.ceil(max(labels_a / (1 - share), labels_b / share) / labelled),
        once_a=math.ceil(once) * sizes.a,
        once_b=math.ceil(once) * sizes.b,
    )


def _differences(p: float, q: float, of_a: int, of_b: int) -> tuple[Floats, Floats]:
    """What the mean of ``of_b`` labels in *b* less that of ``of_a`` in *a* may be, and with which probability."""
    a, b = _binomial(of_a, p), _binomial(of_b, q)
    values = np.arange(of_b + 1)[:, None] / of_b - np.arange(of_a + 1)[None, :] / of_a
    return values.ravel(), np.outer(b, a).ravel()


def _binomial(n: int, p: float) -> Floats:
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])


def _blocks(values: Floats, chances: Floats, *, power: float, wanted: float) -> int:
    """The least n at which a bet on a mean above 0 wins ``wanted`` nats with probability ``power``.

    Raises:
        InputError: it is more than anybody has.
    """
    quantile = NormalDist().inv_cdf(power)
    found = math.inf
    for bet in BETS:
        gains = np.log1p(bet * values)
        mean = float(gains @ chances)
        spread = math.sqrt(max(float((gains - mean) ** 2 @ chances), 0.0))
        if mean <= 0:
            continue
        # n mean - quantile sqrt(n) spread = wanted + ln(bets), solved for sqrt(n)
        need = wanted + math.log(len(BETS))
        root = (quantile * spread + math.sqrt((quantile * spread) ** 2 + 4 * mean * need)) / (2 * mean)
        found = min(found, root**2)
    if found > MOST:
        raise InputError(f"a difference so small takes more than {MOST:,} labels; look for a larger effect")
    return math.ceil(found)
