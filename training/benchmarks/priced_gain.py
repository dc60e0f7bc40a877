"""What a strong tier's gain is worth at a price of cost, and how much of that a choice leaves to the oracle."""

from __future__ import annotations

import numpy as np

from router.errors import InputError
from router.features import Floats


def regret(
    gain: Floats, *, weak: Floats, strong: Floats, weak_cost: Floats, strong_cost: Floats, price: float
) -> float:
    """How much worth is lost to the oracle per prompt: ``mean[max_k (Y_k - price C_k) - (Y_chosen - price C_chosen)]``.

    The strong tier is asked where the predicted ``gain`` (n,), in quality, exceeds its extra cost at ``price``, in
    quality per nano-dollar. The oracle reads noisy labels, so part of this is not to be had by anybody.
    """
    lost = regrets(gain, weak=weak, strong=strong, weak_cost=weak_cost, strong_cost=strong_cost, price=price)
    return float(lost.mean())


def regrets(
    gain: Floats, *, weak: Floats, strong: Floats, weak_cost: Floats, strong_cost: Floats, price: float
) -> Floats:
    """The same of each prompt, (n,)."""
    worth = np.column_stack([weak - price * weak_cost, strong - price * strong_cost])
    chosen = (gain > price * (strong_cost - weak_cost)).astype(int)
    found: Floats = worth.max(axis=1) - worth[np.arange(len(worth)), chosen]
    return found


def per_cost(gain: Floats, *, weak_cost: Floats, strong_cost: Floats) -> Floats:
    """The score (n,) by which gains are ranked where money is counted and not calls: quality per extra nano-dollar.

    A rule that asks the strong tier where the gain exceeds a price times its extra cost follows this order.

    Raises:
        InputError: the strong tier is no dearer for some prompt.
    """
    extra = strong_cost - weak_cost
    if not (extra > 0).all():
        raise InputError(
            f"row {int((extra <= 0).argmax())}: the strong tier is no dearer, so a gain has no price there"
        )
    found: Floats = gain / extra
    return found


def even_price(*, weak: Floats, strong: Floats, weak_cost: Floats, strong_cost: Floats) -> float:
    """The price of cost at which always-weak and always-strong are worth the same, on training rows: quality per
    nano-dollar.
    """
    return float((strong.mean() - weak.mean()) / (strong_cost.mean() - weak_cost.mean()))
